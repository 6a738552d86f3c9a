"""Profiles, recipes, overrides, and one line for each mistake."""

from pathlib import Path
from typing import Any, get_args

import pytest

from xlm.config.data.tasks import FilesTask
from xlm.config.environment import MachineSettings
from xlm.config.pipeline import PipelineConfig, pairs
from xlm.config.reading.resolve import profile_names, resolve
from xlm.engine.config import Config
from xlm.errors import ConfigError


def test_all_profiles_are_valid() -> None:
    assert profile_names() == ["mini15", "modern15", "sample", "xnli15"]
    for name in profile_names():
        config = resolve(name)
        assert len(config.languages) == 15
        assert len(pairs(config)) == 14


def test_xnli15_has_the_settings_of_the_paper() -> None:
    config = resolve("xnli15")
    assert (config.model.layers, config.model.dimension, config.model.heads) == (12, 1024, 8)
    assert (config.bpe.codes, config.vocabulary.size) == (80_000, 95_000)
    assert config.pretrain.objectives == ("mlm", "tlm")
    assert config.sources.downloads_of("en-sw") == ("tanzil.en-sw", "globalvoices.en-sw")
    assert config.sources.downloads_of("en-tr") == ("opensubtitles.en-tr",)


def test_xnli15_has_the_batch_of_64_gpus() -> None:
    config = resolve("xnli15").pretrain
    assert (config.stream_rows, config.stream_tokens) == (64 * 32, 256)
    assert (config.pair_tokens, config.languages_per_batch) == (64 * 4_000, 64)
    for name in ("mini15", "sample"):
        assert resolve(name).pretrain.stream_rows < 64


def test_overrides_are_yaml_and_apply_in_order() -> None:
    config = resolve(
        "mini15",
        [
            "bpe.codes=100",
            "bpe.codes=30000",
            "sources.mirror=../mirror",
            "sources.wikipedia.date=20261001",
            "sources.wikipedia.head_bytes=null",
        ],
        ("sw", "en"),
    )
    assert config.bpe.codes == 30_000
    assert config.sources.mirror == "../mirror"
    assert config.sources.wikipedia.date == "20261001"
    assert config.sources.wikipedia.head_bytes is None
    assert config.languages == ("en", "sw")


def test_an_override_keeps_the_rest_of_its_section(tmp_path: Path) -> None:
    """Regression: one beta reset the learning rate, one segmenter removed the others."""
    before = resolve("xnli15")
    after = resolve("xnli15", ["finetune.optimizer.beta1=0.8", "text.segmenters.th=newmm"])
    assert after.finetune.optimizer == before.finetune.optimizer.model_copy(update={"beta1": 0.8})
    assert after.text == before.text
    path = tmp_path / "mine.yaml"
    path.write_text("languages: [en]\nsources: {xnli: {title: Mine}}\n")
    xnli = resolve(str(path)).sources.xnli
    assert (xnli.title, xnli.url) == ("Mine", before.sources.xnli.url)


def test_a_mapping_is_merged_into_its_section() -> None:
    """Regression: it replaced the section, so the other settings silently became defaults."""
    nested = resolve("sample", ["pretrain={updates: 7, optimizer: {beta1: 0.5}}"])
    assert nested == resolve("sample", ["pretrain.updates=7", "pretrain.optimizer.beta1=0.5"])
    assert (
        resolve("mini15", ["sample={seed: 3}"]).sample
        == resolve("sample", ["sample.seed=3"]).sample
    )


def test_a_profile_can_be_a_yaml_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("languages: [en, fr]\nbpe: {codes: 7}\n")
    assert resolve(str(path)).bpe.codes == 7


@pytest.mark.parametrize(
    ("profile", "overrides", "message"),
    [
        ("mini", [], r"unknown profile 'mini'; did you mean 'mini15'\?"),
        ("missing.yaml", [], r"'missing.yaml' does not exist; check the path"),
        ("sample", ["bpe.cods=3"], r"unknown setting 'bpe.cods'; did you mean 'codes'\?"),
        ("sample", ["bpee.codes=3"], r"unknown setting 'bpee'; did you mean 'bpe'\?"),
        ("sample", ["bpe.codes=-3"], r"bpe.codes must be more than 0, not -3"),
        ("sample", ["bpe.codes"], r"has no `=`; write key.path=value"),
        ("sample", ["bpe.codes=[1"], r"the value is not valid YAML"),
        ("sample", ["languages=[en, swa]"], r"unknown language 'swa'; did you mean 'sw'"),
        ("sample", ["languages.first=en"], r"languages is a value, not a section"),
        ("sample", ["model.heads=7"], r"heads do not divide the dimension"),
        (
            "sample",
            ["pretrain.optimizer.clip_norm=.inf"],
            r"clip_norm must be a finite number, not inf",
        ),
        (
            "sample",
            ["pretrain.save_seconds=.nan"],
            r"save_seconds must be a finite number",
        ),
        (
            "sample",
            ["pretrain.seed=18446744073709551616"],
            r"pretrain.seed=.* is too large",
        ),
        ("sample", ["model.dropout=0.999999"], r"model.dropout must be 0.99 or less, not 0.999999"),
        ("sample", ["model.max_positions=40"], r"stream_tokens 48 is more than .*_positions 40"),
    ],
)
def test_mistakes_are_one_line(profile: str, overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        resolve(profile, overrides)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [b"- a\n", b"a: [1\n", b"", b"\xff\xfe"])
def test_a_profile_that_is_not_a_mapping_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(text)
    with pytest.raises(ConfigError, match=r"bad\.yaml") as caught:
        resolve(str(path))
    assert "\n" not in str(caught.value)


def test_configs_are_frozen() -> None:
    config = resolve("sample")
    with pytest.raises(ValueError, match="frozen"):
        config.languages = ("en",)


def _models(annotation: Any) -> set[type[Config]]:
    """All models in an annotation, with those of their fields."""
    if isinstance(annotation, type) and issubclass(annotation, Config):
        fields = annotation.model_fields.values()
        return {annotation}.union(*(_models(field.annotation) for field in fields))
    return set().union(*map(_models, get_args(annotation)))


def test_a_recipe_applies_where_it_is_named() -> None:
    def facts(*overrides: str, profile: str = "mini15") -> tuple[object, ...]:
        config = resolve(profile, overrides)
        pretrain = config.pretrain
        return (
            pretrain.recipe, pretrain.languages_per_batch, pretrain.masking, pretrain.pair_order,
            config.model.attention_dropout,
        )  # fmt: skip

    fast, faithful = "pretrain.recipe=fast", "pretrain.recipe=faithful"
    assert facts(faithful) == ("faithful", 1, "batch", "by_length", 0.1)
    assert facts(fast) == ("fast", 8, "rows", "shuffled", 0)
    assert facts(fast, faithful) == facts(faithful)
    assert facts(fast, "pretrain.masking=batch")[2] == "batch"
    assert facts("pretrain.masking=batch", fast)[2] == "rows", "the later setting wins"
    assert facts("pretrain={recipe: fast, masking: batch}")[2] == "batch"
    for settings in ((), (faithful,), (fast, faithful), ("pretrain.masking=rows", faithful)):
        assert facts(*settings, profile="xnli15") == ("faithful", 64, "batch", "by_length", 0.1)
    assert facts(fast, profile="xnli15") == facts(fast)
    with pytest.raises(ConfigError, match=r"pretrain.recipe must be 'faithful' or 'fast', not"):
        resolve("mini15", ["pretrain.recipe=../profiles/sample"])


def test_settings_of_a_profile_override_its_recipe(tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text(
        "languages: [en, sw]\npretrain: {recipe: fast, languages_per_batch: 2, stream_rows: 6}\n"
    )
    config = resolve(str(profile))
    assert (config.pretrain.languages_per_batch, config.pretrain.masking) == (2, "rows")


def test_revisions_that_do_not_exist_are_refused_in_one_line() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve("mini15", ["pretrain.updates=100", "pretrain.revision_updates=100"])
    line = str(caught.value)
    assert "pretrain: revision_updates 100 keeps no weights, because updates is 100; lower" in line
    assert "\n" not in line


def test_keys_do_not_contain_the_name_of_a_recipe() -> None:
    named = resolve("xnli15").pretrain
    assert named.model_copy(update={"recipe": None}).key_fields() == named.key_fields()


def test_every_field_has_a_description() -> None:
    missing = [
        f"{model.__name__}.{name}"
        for model in _models(PipelineConfig)
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert missing == []


def test_settings_come_from_arguments_then_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("XLM_ROOT", raising=False)
    monkeypatch.setenv("XLM_WORKERS", "3")
    assert MachineSettings.from_environment() == MachineSettings("./data", 3)
    monkeypatch.setenv("XLM_ROOT", "/scratch/xlm")
    assert MachineSettings.from_environment(workers=5) == MachineSettings("/scratch/xlm", 5)
    assert MachineSettings.from_environment(root="here").root == "here"
    for word in ("many", "²"):
        monkeypatch.setenv("XLM_WORKERS", word)
        with pytest.raises(ConfigError, match=f"XLM_WORKERS='{word}'"):
            MachineSettings.from_environment()
    monkeypatch.setenv("XLM_WORKERS", "")
    assert MachineSettings.from_environment().workers >= 1


def test_chosen_languages_leave_out_the_files_of_the_others(tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text(
        "languages: [sw, yo, {code: luo, name: Luo}]\n"
        "sources:\n"
        "  wikipedia: null\n"
        "  text:\n"
        "    - {kind: text, language: sw, path: sw.txt}\n"
        "    - {kind: text, language: yo, path: yo.txt}\n"
        "    - {kind: text, language: luo, path: luo.txt}\n"
        "classify:\n"
        "  task: files\n"
        "  text: sentence\n"
        "  train: {sw: train.tsv}\n"
        "  dev: {sw: dev.tsv, luo: dev.luo.tsv}\n"
        "  test: {yo: test.tsv}\n"
    )
    config = resolve(str(profile), languages=["sw", "yo"])
    assert config.languages == ("sw", "yo")
    assert isinstance(config.classify, FilesTask)
    assert config.classify.dev == {"sw": "dev.tsv"}
    assert config.classify.test == {"yo": "test.tsv"}
    assert resolve(str(profile), languages=["sw", "luo"]).table["luo"].name == "Luo"
    with pytest.raises(ConfigError, match="training rows are in other languages; add one of sw"):
        resolve(str(profile), languages=["luo", "yo"])
    with pytest.raises(ConfigError, match=r"classify\.test: en is not a language"):
        resolve(str(profile), ["classify.test={en: a.tsv}"], ["sw", "yo"])
