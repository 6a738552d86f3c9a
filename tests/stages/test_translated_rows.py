"""The data of translate-train and translate-test: units, inputs, refusals, and the text itself."""

from pathlib import Path

import pytest

from xlm.config.environment import MachineSettings
from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.resolve import resolve
from xlm.engine.events import NoObserver
from xlm.engine.graph import Graph
from xlm.engine.node_key import key_ingredients
from xlm.engine.stage import Node
from xlm.errors import ConfigError, DataError
from xlm.pipeline.dag import open_request
from xlm.pipeline.request import RunRequest
from xlm.sample.files.nli_files import training_table, write_xnli, write_xnli_mt
from xlm.stages.data.extract_xnli import EXTRACT_XNLI
from xlm.stages.model.shard_inputs import (
    task_inputs,
    task_nodes,
    translated_inputs,
    translated_nodes,
)
from xlm.stages.registry import STAGES
from xlm.stages.units import (
    kind_of_unit,
    languages_of_unit,
    task_units,
    text_units,
    trained_languages,
    translated_units,
)

LANGUAGES = ["ar", "en", "sw"]
TRAIN = "xnli.settings=[zero-shot, translate-train]"
TEST = "xnli.settings=[zero-shot, translate-test]"
ALL = "xnli.settings=[zero-shot, translate-train, translate-train-all, translate-test]"


def _config(*settings: str, languages: list[str] = LANGUAGES) -> PipelineConfig:
    return resolve("mini15", [*settings], languages)


@pytest.mark.parametrize(
    ("settings", "trained", "translated"),
    [
        ([], ["en"], []),
        (["classify.train=[en, sw]"], ["en", "sw"], []),
        ([TRAIN], LANGUAGES, []),
        (["xnli.settings=[zero-shot, translate-train-all]"], LANGUAGES, []),
        ([TEST], ["en"], ["xnli.ar-en", "xnli.sw-en"]),
        ([ALL, "classify.train=[en, sw]"], LANGUAGES, ["xnli.ar-en", "xnli.sw-en"]),
    ],
)
def test_rows_of_the_settings(
    settings: list[str], trained: list[str], translated: list[str]
) -> None:
    config = _config(*settings)
    assert list(trained_languages(config)) == trained
    assert list(translated_units(config)) == translated
    assert task_units(config) == ("xnli.ar", "xnli.en", "xnli.sw")
    assert text_units(config)[-3 - len(translated) :] == (*task_units(config), *translated)
    read = {unit: list(EXTRACT_XNLI.upstream(config, unit)) for unit in EXTRACT_XNLI.units(config)}
    both = {*trained, *(unit.removeprefix("xnli.") for unit in translated)}
    assert {unit for unit, sources in read.items() if sources == ["xnli", "multinli"]} == both


def test_a_language_without_xnli_has_no_translation() -> None:
    config = _config(ALL, languages=["en", "ja", "sw"])
    assert translated_units(config) == ("xnli.sw-en",)
    assert trained_languages(config) == ("en", "sw")


def test_translations_are_english_rows_that_are_no_language_and_no_pair(tmp_path: Path) -> None:
    assert kind_of_unit("xnli.ar-en") == "xnli"
    assert languages_of_unit("xnli.ar-en") == ("en",)
    config = _config(ALL)
    nodes = translated_nodes(config)
    assert nodes["data.xnli.sw-en"] == Node("shard", "xnli.sw-en")
    inputs = {role: tmp_path / role for role in nodes | task_nodes(task_units(config))}
    assert list(task_inputs(inputs)) == LANGUAGES
    assert translated_inputs(inputs) == {
        code: tmp_path / f"data.xnli.{code}-en" for code in ("ar", "sw")
    }


def test_text_of_pretraining_does_not_depend_on_the_settings() -> None:
    plain, translated = Graph.of(_config(), STAGES), Graph.of(_config(ALL), STAGES)
    for stage in ("split", "learn-bpe", "vocabulary", "pretrain"):
        for node in plain.of_stage(stage):
            assert plain.upstream[node] == translated.upstream[node]
    shared = [Node("extract-xnli", "en"), Node("tokenize", "xnli.en"), Node("download", "multinli")]
    for node in shared:
        one, other = (key_ingredients(graph, node, {}) for graph in (plain, translated))
        assert one == other


def test_english_text_is_cleaned_of_translated_test_rows() -> None:
    graph = Graph.of(_config(ALL, "cleaning.decontaminate=true"), STAGES)
    rows = {
        unit: sorted(
            role for role in graph.upstream[Node("clean", unit)] if role.startswith("rows.")
        )
        for unit in ("sw", "en", "en-sw")
    }
    of_english = ["rows.ar-en", "rows.en", "rows.sw-en"]
    assert rows == {"sw": ["rows.sw"], "en": of_english, "en-sw": sorted([*of_english, "rows.sw"])}
    assert graph.upstream[Node("clean", "en")]["rows.sw-en"] == Node("extract-xnli", "sw-en")


@pytest.mark.parametrize(
    ("settings", "languages", "why"),
    [
        ([TEST], ["ar", "sw"], "languages has no en; add it, or remove translate-test"),
        ([TEST, "classify.train=[sw]"], LANGUAGES, "classify.train has no en; add it"),
        ([TEST, "classify.task=pawsx"], ["de", "en"], "the task is not XNLI"),
    ],
)
def test_what_cannot_be_translated_is_refused(
    settings: list[str], languages: list[str], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        _config("classify.task=xnli", *settings, languages=languages)


def _mirror(folder: Path) -> Path:
    """XNLI in ar, en and sw; XNLI-MT has everything but the translation of ar."""
    words = {"ar": "كتاب", "en": "Isn't it", "sw": "kitabu"}
    labels = ("contradiction", "neutral", "entailment")
    rows = {
        code: [(f"{word} {n}.", f"{word} {n + 1}.", labels[n % 3]) for n in range(6)]
        for code, word in words.items()
    }
    write_xnli(folder, rows, rows)
    tables = {code: training_table(rows[code] * 2) for code in rows}
    write_xnli_mt(folder, tables, {"sw": rows["en"]})
    return folder


def test_a_mirror_without_a_member_is_named_before_a_run(tmp_path: Path) -> None:
    assert EXTRACT_XNLI.require is not None
    config = _config(ALL, f"sources.mirror={_mirror(tmp_path)}")
    with pytest.raises(
        DataError, match=r"no member xnli\.test\.ar\.en\.tsv or xnli\.test\.en\.tsv"
    ):
        EXTRACT_XNLI.require(config)
    EXTRACT_XNLI.require(_config(ALL, f"sources.mirror={tmp_path}", languages=["en", "sw"]))
    EXTRACT_XNLI.require(_config(TRAIN, f"sources.mirror={tmp_path}"))


def test_rows_are_tokenized_in_the_language_of_their_text(tmp_path: Path) -> None:
    request = RunRequest(
        profile="mini15",
        overrides=(ALL, f"sources.mirror={_mirror(tmp_path / 'mirror')}"),
        languages=("en", "sw"),
        only=(
            "download[xnli]", "download[multinli]", "extract-xnli",
            "tokenize[xnli.sw]", "tokenize[xnli.sw-en]",
        ),
    )  # fmt: skip
    with open_request(request, MachineSettings(str(tmp_path / "data"), 1), NoObserver()) as run:
        for node in run.selected:
            run.build(node)
        found = {str(node): one.artifact.directory for node, one in run.results.items()}
    swahili, english = found["tokenize[xnli.sw]"], found["tokenize[xnli.sw-en]"]
    assert sorted(path.name for path in swahili.glob("*.tsv")) == [
        "test.tsv", "train.tsv", "valid.tsv",
    ]  # fmt: skip
    assert [path.name for path in english.glob("*.tsv")] == ["test.tsv"]
    first = (english / "test.tsv").read_text(encoding="utf-8").splitlines()[0]
    assert first == "isn 't it 0 .\tisn 't it 1 .\tcontradiction"
