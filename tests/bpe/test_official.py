"""Runs with the published merges and vocabulary: downloads, stages, keys and plan."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from xlm.bpe.vocabulary import UNK, load_vocabulary
from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.resolve import resolve
from xlm.engine.building.mapper import SerialMapper
from xlm.engine.graph import Graph
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.errors import ConfigError, DataError
from xlm.pipeline.dag import plan_request
from xlm.pipeline.request import RunRequest
from xlm.stages.data.download import DOWNLOAD
from xlm.stages.model.publish import PUBLISH
from xlm.stages.registry import STAGES
from xlm.stages.text.apply_bpe import APPLY_BPE
from xlm.stages.text.learn_bpe import LEARN_BPE
from xlm.stages.text.vocabulary import VOCABULARY
from xlm.store.store import ArtifactStore

CODES, COUNTED = Node("download", "xlm.codes"), Node("download", "xlm.vocabulary")
OFFICIAL = "bpe.source=official"


class Stages:
    """Runs stages one after the other, each in a separate folder."""

    def __init__(self, root: Path, config: PipelineConfig) -> None:
        self.root = root
        self.config = config

    def out(self, node: Node) -> Path:
        return self.root / node.stage / node.unit / "out"

    def run(self, stage: Stage[Any, Any], unit: str, **inputs: Path) -> StageResult:
        folder = self.root / stage.name / unit
        folders = {name: folder / name for name in ("out", "scratch", "logs")}
        for path in folders.values():
            path.mkdir(parents=True)
        upstream = stage.upstream(self.config, unit)
        found = {role: self.out(node) for role, node in upstream.items()} | inputs
        config = stage.slice(self.config, unit)
        mapper = SerialMapper()
        return stage.run(StageContext(unit, config, found, **folders, mapper=mapper, workers=1))


@pytest.fixture(scope="module")
def stages(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    overrides = ["languages=[en, sw]", f"sources.mirror={shared / 'mirror'}", OFFICIAL]
    config = resolve("mini15", [*overrides, "vocabulary.size=95000"])
    config = config.model_copy(
        update={"sources": config.sources.model_copy(update={"parallel": ()})}
    )
    return Stages(tmp_path_factory.mktemp("official"), config)


def _golden(shared: Path, language: str) -> list[dict[str, Any]]:
    path = shared / "golden" / "xlm15_tokens" / f"golden.{language}.jsonl"
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    return [json.loads(line) for line in lines]


@pytest.mark.slow
def test_the_stages_produce_the_published_ids_and_the_report(shared: Path, stages: Stages) -> None:
    for node in (CODES, COUNTED):
        (source,) = stages.run(DOWNLOAD, node.unit).sources
        assert source.licence == "CC-BY-NC-4.0"
        assert source.url.startswith("https://dl.fbaipublicfiles.com/XLM/")
    assert stages.run(LEARN_BPE, ALL).counts == {"codes": 80_000}
    mirror = shared / "mirror" / "dl.fbaipublicfiles.com" / "XLM"
    codes = stages.out(Node("learn-bpe", ALL)) / "codes"
    assert codes.read_bytes() == (mirror / "codes_xnli_15").read_bytes()
    rows = {language: _golden(shared, language) for language in ("en", "sw")}
    for language, found in rows.items():
        text = stages.root / "tokenized" / language
        text.mkdir(parents=True)
        lines = "".join(row["lower_noaccent"] + "\n" for row in found)
        (text / "train.00000.txt").write_text(lines, encoding="utf-8", newline="\n")
        stages.run(APPLY_BPE, language, text=text)
    counts = stages.run(VOCABULARY, ALL).counts
    folder = stages.out(Node("vocabulary", ALL))
    vocabulary = load_vocabulary(folder)
    assert (vocabulary.size, vocabulary.token(94_999)) == (95_000, "picked")
    assert counts["hash"] == vocabulary.hash
    assert vocabulary.counts[14] == 146_805_425  # masking uses the published counts
    published = (mirror / "vocab_xnli_15").read_bytes()
    assert (folder / "vocabulary.txt").read_bytes() == published
    report = json.loads((folder / "report.json").read_text())
    for language, found in rows.items():
        applied = stages.out(Node("apply-bpe", language)) / "train.00000.txt"
        lines = applied.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        assert [vocabulary.ids(line.split()) for line in lines] == [row["ids"] for row in found]
        ids = [token for row in found for token in row["ids"]]
        words = sum(len(row["lower_noaccent"].split()) for row in found)
        assert report[language]["tokens"] == len(ids)
        assert report[language]["words"] == words
        assert report[language]["fertility"] == round(len(ids) / words, 6)
        assert report[language]["unknown"] == ids.count(UNK)
        assert report[language]["vocabulary_used"] == len(set(ids) - {UNK})
    assert counts["tokens"] == sum(row["tokens"] for row in report.values())


def test_an_invalid_codes_file_is_refused(shared: Path, stages: Stages, tmp_path: Path) -> None:
    (tmp_path / "codes_xnli_15").write_text("<html>error</html>\n")
    context = Stages(tmp_path / "stages", stages.config)
    with pytest.raises(DataError, match="not `left right count`: '<html>error</html>'"):
        context.run(LEARN_BPE, ALL, published=tmp_path)


def test_an_invalid_vocabulary_file_is_refused(stages: Stages, tmp_path: Path) -> None:
    (tmp_path / "vocab_xnli_15").write_text("<html>error</html>\n")
    empty = dict.fromkeys(("en", "sw"), tmp_path)
    context = Stages(tmp_path / "stages", stages.config)
    with pytest.raises(DataError, match="no line `token count`"):
        context.run(VOCABULARY, ALL, published=tmp_path, **empty)


def _keys(stage: Stage[Any, Any], *overrides: str) -> Mapping[str, Any]:
    return stage.slice(resolve("sample", list(overrides)), ALL).key_fields()


def test_keys_depend_only_on_settings_that_affect_bytes() -> None:
    assert _keys(LEARN_BPE, OFFICIAL, "bpe.seed=7", "bpe.codes=9") == _keys(LEARN_BPE, OFFICIAL)
    assert _keys(LEARN_BPE, OFFICIAL) != _keys(LEARN_BPE)
    assert _keys(LEARN_BPE, "bpe.learner=deterministic") != _keys(LEARN_BPE)
    assert _keys(VOCABULARY, OFFICIAL) != _keys(VOCABULARY)
    assert _keys(VOCABULARY, OFFICIAL, "vocabulary.size=99") != _keys(VOCABULARY, OFFICIAL)


@pytest.mark.parametrize("profile", ["sample", "mini15", "xnli15"])
def test_two_downloads_replace_learning(profile: str) -> None:
    rebuilt, official = (
        Graph.of(resolve(profile, [text]), STAGES) for text in ("bpe.source=rebuild", OFFICIAL)
    )
    assert set(official.nodes) - set(rebuilt.nodes) == {CODES, COUNTED}
    assert set(rebuilt.nodes) <= set(official.nodes)
    assert official.upstream[CODES] == official.upstream[COUNTED] == {}
    assert list(official.upstream[Node("learn-bpe", ALL)].values()) == [CODES]
    assert COUNTED in official.upstream[Node("vocabulary", ALL)].values()
    assert {CODES, COUNTED} <= set(PUBLISH.upstream(official.config, ALL).values())


@pytest.mark.slow
def test_the_sample_profile_downloads_them(tmp_path: Path) -> None:
    """The mirror of the sample world does not contain these files."""
    request = RunRequest(profile="sample", overrides=(OFFICIAL,))
    steps = {step.node: step for step in plan_request(request, ArtifactStore.open(str(tmp_path)))}
    assert steps[CODES].status == "build"
    assert steps[CODES].urls == ("https://dl.fbaipublicfiles.com/XLM/codes_xnli_15",)
    assert (steps[CODES].size, steps[COUNTED].size) == ("about 1.4 MB", "about 1.5 MB")
    found = DOWNLOAD.slice(resolve("sample", [OFFICIAL]), CODES.unit)
    assert (found.source.licence, found.mirrored) == ("CC-BY-NC-4.0", False)
    assert DOWNLOAD.slice(resolve("sample", [OFFICIAL]), "xnli").mirrored


def test_a_corpus_cannot_have_their_name() -> None:
    corpus = "{kind: opus, corpus: Tatoeba, version: v1, name: xlm}"
    with pytest.raises(ConfigError, match="the id 'xlm' is used more than once"):
        resolve("sample", [f"sources.parallel=[{corpus}]"])
