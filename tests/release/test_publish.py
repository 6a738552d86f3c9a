"""The publish stage writes two folders that transformers can load."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from transformers import XLMForSequenceClassification, XLMTokenizer, XLMWithLMHeadModel

from tests.release.artifacts import CELL, Artifacts, add_revision, build_artifacts, write_manifest
from tests.tiny_world import TinyWorld, build_world, tiny_pretraining
from xlm.bpe.vocabulary import Vocabulary, load_vocabulary, write_vocabulary
from xlm.config.reading.resolve import resolve
from xlm.config.training.release import PublishSlice, ReleaseConfig, TaskFacts
from xlm.engine.building.mapper import SerialMapper
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError, TrainingError
from xlm.model.formats.ours import load_classifier, load_encoder
from xlm.model.formats.sources import read_model
from xlm.release.card.measured import without_measured
from xlm.stages.model.publish import PUBLISH
from xlm.store.manifest import describe_files
from xlm.text.segmenters.registry import segmenter_identity

Publish = Callable[[str], tuple[Path, StageResult]]


@pytest.fixture
def small_world(tmp_path: Path) -> TinyWorld:
    return build_world(tmp_path / "world", lines=20)


@pytest.fixture
def artifacts(tmp_path: Path, small_world: TinyWorld) -> Artifacts:
    return build_artifacts(tmp_path / "artifacts", small_world)


@pytest.fixture
def publish(artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publish:
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "matplotlib"))

    def run(name: str) -> tuple[Path, StageResult]:
        out = tmp_path / name
        context = StageContext(
            unit="all",
            config=PublishSlice(
                release=ReleaseConfig(name="xlm-tiny"),
                synthetic=False,
                task=TaskFacts(kind="xnli", is_paired=True, licence=""),
            ),
            inputs=artifacts.inputs,
            out=out,
            scratch=tmp_path / "scratch",
            logs=out / "logs",
            mapper=SerialMapper(),
            workers=1,
        )
        return out, PUBLISH.run(context)

    return run


@pytest.mark.slow
def test_both_folders_load_and_give_our_logits(publish: Publish, artifacts: Artifacts) -> None:
    out, result = publish("out")
    names = {path.name for path in (out / "classifier").iterdir()}
    assert names == {
        *("model.safetensors", "config.json", "vocab.json", "merges.txt"),
        *("tokenizer_config.json", "README.md", "DATA.md", "accuracy.png", "training.png"),
    }
    assert names - {path.name for path in (out / "masked-lm").iterdir()} == {"accuracy.png"}
    assert {path.name for path in out.iterdir()} == {"classifier", "masked-lm"}
    assert "revisions" not in result.counts
    tokenizer = XLMTokenizer.from_pretrained(out / "classifier")
    vocabulary = load_vocabulary(artifacts.inputs["vocabulary"])
    assert len(tokenizer) == vocabulary.size == result.counts["vocabulary"]
    theirs = XLMForSequenceClassification.from_pretrained(out / "classifier").eval()
    ours = load_classifier(artifacts.inputs["select"]).eval()
    tokens_BT = torch.tensor([[1, 20, 30, 1, 40, 50, 1]])
    languages_BT = torch.ones_like(tokens_BT)
    with torch.no_grad():
        expected = ours(tokens_BT, languages_BT, tokens_BT != 2)
        found = theirs(input_ids=tokens_BT, langs=languages_BT).logits
    assert (expected - found).abs().max() < 1e-4
    model = XLMWithLMHeadModel.from_pretrained(out / "masked-lm")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert result.counts["masked-lm.parameters"] == parameters


@pytest.mark.slow
def test_a_model_trained_with_clm_only_is_causal_and_its_classifier_is_not(
    publish: Publish, artifacts: Artifacts, tmp_path: Path, small_world: TinyWorld
) -> None:
    artifacts.inputs.update(build_artifacts(tmp_path / "causal", small_world, causal=True).inputs)
    out, _ = publish("out")
    tokens_BT = torch.tensor([[1, 20, 30, 1, 40, 50, 1]])
    languages_BT = torch.ones_like(tokens_BT)
    model = XLMWithLMHeadModel.from_pretrained(out / "masked-lm").eval()
    encoder = load_encoder(artifacts.inputs["pretrain"]).eval()
    theirs = XLMForSequenceClassification.from_pretrained(out / "classifier").eval()
    ours = load_classifier(artifacts.inputs["select"]).eval()
    with torch.no_grad():
        expected_BTV = encoder.predict(encoder(tokens_BT, languages_BT, causal=True))
        found_BTV = model(input_ids=tokens_BT, langs=languages_BT).logits
        expected_B3 = ours(tokens_BT, languages_BT, tokens_BT != 2)
        found_B3 = theirs(input_ids=tokens_BT, langs=languages_BT).logits
    assert (expected_BTV - found_BTV).abs().max() < 1e-4
    assert (expected_B3 - found_B3).abs().max() < 1e-4
    assert "causal language model" in (out / "masked-lm/README.md").read_text("utf-8")
    read_model(out / "masked-lm")


@pytest.mark.slow
def test_revisions_are_complete_language_models(publish: Publish, artifacts: Artifacts) -> None:
    encoders = {update: add_revision(artifacts, update) for update in (8, 4)}
    out, result = publish("out")
    assert result.counts["revisions"] == 2
    assert {path.name for path in (out / "revisions").iterdir()} == {"step-4", "step-8"}
    tokens_BT = torch.tensor([[1, 20, 30, 1, 40, 50, 1]])
    languages_BT = torch.ones_like(tokens_BT)
    for update, encoder in encoders.items():
        folder = out / "revisions" / f"step-{update}"
        assert {path.name for path in folder.iterdir()} == {
            *("model.safetensors", "config.json", "vocab.json", "merges.txt"),
            *("tokenizer_config.json", "README.md"),
        }
        for name in ("config.json", "vocab.json", "merges.txt", "tokenizer_config.json"):
            assert (folder / name).read_bytes() == (out / "masked-lm" / name).read_bytes()
        model = XLMWithLMHeadModel.from_pretrained(folder).eval()
        with torch.no_grad():
            found_BTV = model(input_ids=tokens_BT, langs=languages_BT).logits
            expected_BTV = encoder.eval().predict(encoder(tokens_BT, languages_BT))
        assert (expected_BTV - found_BTV).abs().max() < 1e-4
        assert len(XLMTokenizer.from_pretrained(folder)) == result.counts["vocabulary"]


@pytest.mark.slow
def test_the_card_of_a_revision_is_short_and_has_no_measured_values(
    publish: Publish, artifacts: Artifacts
) -> None:
    add_revision(artifacts, 4)
    out, _ = publish("out")
    card = (out / "revisions/step-4/README.md").read_text(encoding="utf-8")
    main = (out / "masked-lm/README.md").read_text(encoding="utf-8")
    _, metadata, text = card.split("---\n", 2)
    expected = yaml.safe_load(main.split("---\n", 2)[1])
    assert expected.pop("co2_eq_emissions")
    assert yaml.safe_load(metadata) == expected
    assert without_measured(card) == card
    assert "measured" not in card
    assert (
        "These are the weights of the masked language model `xlm-tiny` after 4 of 10 updates of "
        "pretraining."
    ) in text
    assert 'revision="step-4"' in text
    assert "### Licence" in text
    code = text.split("```python\n")[1].split("```")[0]
    scope: dict[str, object] = {}
    exec(code.replace('"."', repr(str(out / "revisions/step-4"))), scope)
    assert isinstance(scope["model"], XLMWithLMHeadModel)


def test_cards_are_filled_from_the_artifacts(publish: Publish) -> None:
    out, _ = publish("out")
    card = (out / "classifier/README.md").read_text(encoding="utf-8")
    assert "| updates | 10 |" in card
    assert "| wikipedia.en title | BPE merges, vocabulary, MLM | 10 B | CC-BY-SA-4.0 |" in card
    assert "license: cc-by-nc-sa-4.0" in card
    assert "<!--measured-->1 min 01 s<!--/measured-->" in card
    assert "| en-sw | 20 |" in card
    assert "| BPE merges | 2 |" in card
    assert "* *intervals*: Wilson" in card
    assert "| CPU core hours | <!--measured-->2<!--/measured--> |" in card


def test_the_cards_of_a_copied_encoder_claim_no_pretraining(
    publish: Publish, artifacts: Artifacts
) -> None:
    pretrained, merges = artifacts.inputs["pretrain"], artifacts.inputs["learn-bpe"]
    (pretrained / "metrics.jsonl").write_text("")
    (pretrained / "validation.json").write_text('{"validations": []}')
    config = {"pretrain": tiny_pretraining().key_fields(), "warm_start": "original 5f0c"}
    write_manifest(pretrained, "pretrain", config=config, counts={"updates": 0, "tokens": 0})
    write_manifest(merges, "learn-bpe", config={"source": "checkpoint"})
    out, _ = publish("out")
    for name in ("classifier", "masked-lm"):
        card = (out / name / "README.md").read_text("utf-8")
        assert "| wikipedia.en title | perplexity | 10 B |" in card
        assert "The text and pairs above did not train it." in card
        assert "with its pretraining" not in card
        data_card = (out / name / "DATA.md").read_text("utf-8")
        assert "Pretraining does not use these data" in data_card
        assert "sampled, %" not in data_card


def test_the_data_card_of_a_language_model_has_no_labelled_rows(publish: Publish) -> None:
    out, _ = publish("out")
    texts = {
        name: (out / name / "DATA.md").read_text("utf-8") for name in ("classifier", "masked-lm")
    }
    for text in texts.values():
        assert f"| CC-BY-SA-4.0 | – | `{'cd' * 32}` | <https://host/wikipedia.en> |" in text
        assert "| English (en) | train | 20 | " in text
    assert "| xnli.sw | test | " in texts["classifier"]
    assert "xnli" not in texts["masked-lm"].split("## Sources")[1].split("## Licences")[0]
    assert "`cc-by-nc-sa-4.0`" in texts["classifier"]
    assert "`cc-by-sa-4.0`" in texts["masked-lm"]


@pytest.mark.slow
def test_vocabulary_coverage_is_shown_in_both_folders(
    publish: Publish, artifacts: Artifacts
) -> None:
    counted = {"tokens": 3, "words": 2, "fertility": 1.5, "unknown_rate": 0, "vocabulary_share": 1}
    report = artifacts.inputs["vocabulary"] / "report.json"
    report.write_text(json.dumps({"en": counted}), encoding="utf-8")
    out, _ = publish("out")
    pictures = [out / name / "vocabulary.png" for name in ("classifier", "masked-lm")]
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    card = (out / "masked-lm/README.md").read_text(encoding="utf-8")
    assert "| English (en) | 2 | 3 | 1.50 | 0.000 | 100.0 |" in card


@pytest.mark.slow
def test_a_second_run_differs_only_in_measured_values(
    publish: Publish, artifacts: Artifacts
) -> None:
    add_revision(artifacts, 4)
    first, _ = publish("first")
    run = artifacts.inputs["pretrain"] / "run.json"
    run.write_text(json.dumps({"wall_seconds": 9999.0, "cpu_seconds": 9.0}))
    download = artifacts.inputs["source.wikipedia.en"] / "run.json"
    download.write_text(json.dumps({"finished": "2026-11-28T17:49:00+00:00"}))
    second, _ = publish("second")
    determined, volatile = describe_files(first, PUBLISH.volatile)
    assert determined == describe_files(second, PUBLISH.volatile)[0]
    assert [record.path for record in volatile] == list(PUBLISH.volatile)
    for name in PUBLISH.volatile:
        cards = [(folder / name).read_text(encoding="utf-8") for folder in (first, second)]
        assert cards[0] != cards[1]
        assert without_measured(cards[0]) == without_measured(cards[1])


@pytest.mark.slow
def test_a_card_is_written_without_run_json(publish: Publish, artifacts: Artifacts) -> None:
    (artifacts.inputs["pretrain"] / "run.json").unlink()
    out, _ = publish("out")
    assert "| pretrain | <!--measured-->–" in (out / "masked-lm/README.md").read_text("utf-8")


def test_the_vocabulary_of_another_model_is_refused(
    publish: Publish, artifacts: Artifacts, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    content = json.loads((artifacts.inputs["vocabulary"] / "vocabulary.json").read_bytes())
    write_vocabulary(
        Vocabulary(tuple(content["tokens"][:-1]), tuple(content["counts"][:-1])),
        other,
    )
    artifacts.inputs["vocabulary"] = other
    with pytest.raises(TrainingError, match="the vocabulary artifact has vocabulary"):
        publish("out")


@pytest.mark.parametrize(
    ("stage", "name", "content"),
    [
        ("pretrain", "validation.json", "{torn"),
        ("pretrain", "metrics.jsonl", "[]\n"),
        ("evaluate", "results.json", "{}"),
    ],
)
def test_the_error_names_a_damaged_input(
    publish: Publish, artifacts: Artifacts, stage: str, name: str, content: str
) -> None:
    (artifacts.inputs[stage] / name).write_text(content)
    with pytest.raises(DataError, match=name):
        publish("out")


def test_settings_of_another_version_are_refused(publish: Publish, artifacts: Artifacts) -> None:
    path = artifacts.inputs[CELL] / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["config"] = {"finetune": {"no_such_setting": 1}}
    path.write_text(json.dumps(manifest))
    with pytest.raises(DataError, match="manifest of finetune has no readable finetune settings"):
        publish("out")


@pytest.mark.parametrize("profile", ["sample", "mini15", "modern15", "xnli15"])
def test_every_profile_declares_the_inputs_of_publish(profile: str) -> None:
    config = resolve(profile)
    upstream = PUBLISH.upstream(config, "all")
    segmented = {"th", "zh"} & set(config.languages)
    assert {"evaluate", "select", "pretrain", "learn-bpe", "vocabulary"} <= set(upstream)
    assert upstream["source.wikipedia.sw"] == ("download", "wikipedia.sw")
    assert upstream["data.en-sw"] == ("shard", "en-sw")
    chosen = PUBLISH.slice(config, "all")
    assert chosen.synthetic == (profile == "sample")
    assert chosen.segmenters == {
        code: segmenter_identity(config.text.segmenters[code]) for code in segmented
    }
