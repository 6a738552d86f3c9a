"""Runs that take over the merges, ids or encoder of a model: their graph, keys and errors."""

from pathlib import Path
from typing import Any

import pytest

from tests.model.warm_start.sources import LAYOUTS, model_with_merges, write_source
from tests.repository import REPOSITORY
from xlm.config.reading.resolve import resolve
from xlm.config.reading.warnings import config_warnings
from xlm.engine.graph import Graph
from xlm.errors import ConfigError, XlmError
from xlm.pipeline.dag import graph_of, plan_request
from xlm.pipeline.request import RunRequest
from xlm.stages.text.learn_bpe import LEARN_BPE
from xlm.store.store import ArtifactStore

PROFILE = str(REPOSITORY / "tests" / "flows" / "small.yaml")
SIZES = {"layers": 1, "heads": 2, "max_positions": 64}


def _source(folder: Path, layout: str = "hugging-face", codes: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    model = model_with_merges(folder, **SIZES)
    return write_source(folder / "models", layout, model, *([codes] if codes else []))


def _request(*overrides: str, **changes: Any) -> RunRequest:
    return RunRequest(profile=PROFILE, overrides=overrides, **changes)


def _error(root: Path, *overrides: str, **changes: Any) -> str:
    """The line with which the plan refuses a request."""
    with pytest.raises(XlmError) as caught:
        plan_request(_request(*overrides, **changes), ArtifactStore.open(str(root)))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _names(graph: Graph[Any], **selection: str) -> set[str]:
    return {str(node) for node in graph.select(**selection)}  # type: ignore[arg-type]


def test_fine_tuning_alone_needs_no_text(tmp_path: Path) -> None:
    encoder = f"finetune.encoder={_source(tmp_path)}"
    assert _names(graph_of(_request(encoder)), first="finetune") == {
        "make-world", "download[xnli]", "download[multinli]", "learn-bpe", "vocabulary", "pretrain",
        *(f"{stage}[{code}]" for stage in ("extract-xnli",) for code in ("en", "fr", "sw")),
        *(
            f"{stage}[xnli.{code}]"
            for stage in ("tokenize", "apply-bpe", "shard")
            for code in ("en", "fr", "sw")
        ),
        "finetune[en.lr5e-06.b8.s0]", "score[en.lr5e-06.b8.s0]", "select", "evaluate", "publish",
    }  # fmt: skip
    assert config_warnings(_request(encoder).resolve()) == []


def test_the_merges_of_a_checkpoint_need_no_text_either(tmp_path: Path) -> None:
    source = _source(tmp_path)
    graph = graph_of(_request(f"pretrain.warm_start={source}", "bpe.source=checkpoint"))
    assert _names(graph, until="learn-bpe") == {"learn-bpe"}


def test_from_builds_a_stage_and_those_after_it_with_what_they_need(tmp_path: Path) -> None:
    graph = graph_of(_request())
    after = _names(graph, first="extract-xnli")
    assert "select" in after
    assert "pretrain" in after  # fine-tuning needs it
    assert _names(graph, first="evaluate") == _names(graph)
    assert _names(graph, first="tokenize", until="vocabulary") == _names(graph, until="vocabulary")
    with pytest.raises(ConfigError, match="evaluate comes after pretrain"):
        graph.select(first="evaluate", until="pretrain")
    with pytest.raises(ConfigError, match="`only` and `from` cannot be combined"):
        graph.select(first="evaluate", only=["shard"])
    with pytest.raises(ConfigError, match="no stage 'finetuned'"):
        graph.select(first="finetuned")


@pytest.mark.parametrize("setting", ["finetune.encoder={}", "pretrain.warm_start={}"])
def test_keys_have_the_contents_and_not_the_path(tmp_path: Path, setting: str) -> None:
    found = []
    for layout in LAYOUTS:
        source = _source(tmp_path / layout, layout)
        config = resolve(PROFILE, [setting.format(source), "bpe.source=checkpoint"] if
                         "warm" in setting else [setting.format(source)])  # fmt: skip
        found.append(LEARN_BPE.slice(config, "all").key_fields())
    assert found[0] == found[1] == found[2]
    assert str(tmp_path) not in str(found)


@pytest.mark.parametrize("setting", ["finetune.encoder", "pretrain.warm_start"])
def test_wrong_sources_are_refused_in_one_line(tmp_path: Path, setting: str) -> None:
    taken = () if setting == "finetune.encoder" else ("bpe.source=checkpoint",)
    root = tmp_path / "root"
    absent = tmp_path / "absent"
    assert f"{absent} does not exist" in _error(root, f"{setting}={absent}", *taken)
    (tmp_path / "empty").mkdir()
    assert "config.json does not exist" in _error(root, f"{setting}={tmp_path / 'empty'}", *taken)
    other = _source(tmp_path / "other", codes="l e 9\nle s</w> 8\n")
    assert "use the codes file that the vocabulary" in _error(root, f"{setting}={other}", *taken)
    without = _source(tmp_path / "without")
    (without / "merges.txt").unlink()
    assert "contains no BPE merges" in _error(root, f"{setting}={without}", *taken)
    (without / "vocab.json").unlink()
    assert "has no vocabulary" in _error(root, f"{setting}={without}", *taken)
    assert not list(root.glob("artifacts/*/*"))


def test_all_sizes_that_differ_are_named(tmp_path: Path) -> None:
    source = f"pretrain.warm_start={_source(tmp_path)}"
    message = _error(tmp_path / "root", source, "model.layers=2", "model.heads=4")
    assert message.endswith(
        "has layers 1, heads 2, but the model to train has 2, 4; set model.layers=1, model.heads=2"
    )


def test_an_unknown_language_is_refused(tmp_path: Path) -> None:
    model = model_with_merges(tmp_path, **SIZES)
    source = write_source(
        tmp_path / "models", "xlm",
        type(model)(
            model.description.model_copy(update={"languages": ("ar", "en", "fr")}),
            {
                name: tensor[:3] if name == "lang_embeddings.weight" else tensor
                for name, tensor in model.weights.items()
            },
            model.vocabulary,
        ),
    )  # fmt: skip
    message = _error(tmp_path / "root", f"finetune.encoder={source}")
    assert message.endswith("has the languages ar en fr, not sw; use --languages en,fr")
    graph_of(_request(f"finetune.encoder={source}", languages=("en", "fr"))).select()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["bpe.source=checkpoint"], "pretrain.warm_start is not set"),
        (["vocabulary.new_tokens=5"], "set bpe.source=checkpoint"),
        (["finetune.encoder=x", "classify=null"], "nothing to fine-tune"),
        (["finetune.encoder=x", "finetune.mix_pretraining=4"], "set finetune.mix_pretraining=0"),
    ],
)
def test_settings_that_contradict_each_other(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(PROFILE, overrides)
