"""The code that downloads and extracts real data also reads the mirror of the sample world."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.resolve import resolve
from xlm.engine.stage import Stage, StageContext, StageResult
from xlm.errors import ConfigError
from xlm.sample.files.nli_files import separate_punctuation
from xlm.sample.files.wikipedia_files import HOST
from xlm.sample.world.nli import training_rows
from xlm.sample.world.translations import translations
from xlm.stages.data.download import DOWNLOAD
from xlm.stages.data.extract_parallel import EXTRACT_PARALLEL
from xlm.stages.data.extract_wiki import EXTRACT_WIKI
from xlm.stages.data.extract_xnli import EXTRACT_XNLI
from xlm.stages.data.make_world import MAKE_WORLD, MIRROR
from xlm.text.chain import cased_tokenizer_for

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

SMALL = (
    *("sample.articles=12", "sample.parallel_sentences=30", "sample.train_pairs=60"),
    *("sample.dev_pairs=9", "sample.test_pairs=12"),
)


class InProcess:
    """A mapper that runs jobs one after another in this process."""

    def map(
        self, function: Callable[[ItemT], ResultT], items: Iterable[ItemT]
    ) -> Iterator[ResultT]:
        return map(function, items)


@pytest.fixture(scope="module")
def config() -> PipelineConfig:
    return resolve("sample", SMALL)


@pytest.fixture(scope="module")
def world(config: PipelineConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    _run(MAKE_WORLD, "all", config, root, {})
    return root / "make-world[all]" / "out"


def _run(
    stage: Stage[Any, Any], unit: str, config: PipelineConfig, root: Path, inputs: dict[str, Path]
) -> StageResult:
    base = root / f"{stage.name}[{unit}]"
    for name in ("out", "scratch", "logs"):
        (base / name).mkdir(parents=True)
    context = StageContext(
        unit=unit,
        config=stage.slice(config, unit),
        inputs=inputs,
        out=base / "out",
        scratch=base / "scratch",
        logs=base / "logs",
        mapper=InProcess(),
        workers=1,
    )
    return stage.run(context)


def _download(unit: str, config: PipelineConfig, root: Path, world: Path) -> Path:
    result = _run(DOWNLOAD, unit, config, root, {MIRROR: world})
    assert [source.licence for source in result.sources] == ["Apache-2.0"]
    return root / f"download[{unit}]" / "out"


@pytest.mark.slow
def test_extracted_wikipedia_equals_the_articles(
    config: PipelineConfig, world: Path, tmp_path: Path
) -> None:
    from xlm.sample.world.articles import articles

    assert config.sample
    dump = _download("wikipedia.sw", config, tmp_path, world)
    _run(EXTRACT_WIKI, "sw", config, tmp_path, {"dump": dump})
    lines = (tmp_path / "extract-wiki[sw]/out/text.00000.txt").read_text("utf-8").split("\n")[:-1]
    expected = [
        line for title, paragraphs in articles(config.sample, "sw") for line in (title, *paragraphs)
    ]
    assert lines == expected


@pytest.mark.slow
@pytest.mark.parametrize(("pair", "other"), [("en-sw", "sw"), ("en-zh", "zh")])
def test_extracted_pairs_equal_the_translations(
    config: PipelineConfig, world: Path, tmp_path: Path, pair: str, other: str
) -> None:
    assert config.sample
    archive = _download(f"tatoeba.{pair}", config, tmp_path, world)
    _run(EXTRACT_PARALLEL, pair, config, tmp_path, {f"tatoeba.{pair}": archive})
    out = tmp_path / f"extract-parallel[{pair}]" / "out"
    sides = [
        (out / f"text.{code}.txt").read_text("utf-8").split("\n")[:-1] for code in ("en", other)
    ]
    assert list(zip(*sides, strict=True)) == list(translations(config.sample, other))


def test_extracted_nli_rows_equal_the_pairs(
    config: PipelineConfig, world: Path, tmp_path: Path
) -> None:
    assert config.sample
    inputs = {unit: _download(unit, config, tmp_path, world) for unit in ("xnli", "multinli")}
    for code in ("en", "th"):
        counts = _run(EXTRACT_XNLI, code, config, tmp_path, inputs).counts
        assert (counts["valid_rows"], counts["test_rows"]) == (9, 12)
        assert counts["test_neutral"] == 4
    rows = (tmp_path / "extract-xnli[en]/out/train.tsv").read_text("utf-8").split("\n")[:-1]
    expected = training_rows(config.sample, "en")
    assert len(rows) == len(expected) == 60
    premise, hypothesis, label = rows[0].split("\t")
    assert (premise.removesuffix(" ."), hypothesis.removesuffix(" ."), label) == (
        expected[0][0].removesuffix("."),
        expected[0][1].removesuffix("."),
        expected[0][2],
    )


def test_english_training_text_is_tokenized_as_by_stage_tokenize(config: PipelineConfig) -> None:
    """The stage does not tokenize it, because the official file is tokenized."""
    assert config.sample
    tokenize = cased_tokenizer_for("en", {})
    sentences = {text for row in training_rows(config.sample, "en") for text in row[:2]}
    assert len(sentences) > 60
    for sentence in sentences:
        assert separate_punctuation(sentence).split() == tokenize(sentence).split()


def test_the_world_is_reproducible(config: PipelineConfig, world: Path, tmp_path: Path) -> None:
    _run(MAKE_WORLD, "all", config, tmp_path, {})
    again = tmp_path / "make-world[all]" / "out"
    files = [path.relative_to(world) for path in world.rglob("*") if path.is_file()]
    assert len(files) == 15 * 5 + 14 + 2
    assert all((world / name).read_bytes() == (again / name).read_bytes() for name in files)


def test_dumps_have_the_configured_date(tmp_path: Path) -> None:
    config = resolve("sample", (*SMALL, "sources.wikipedia.date=20250101"))
    _run(MAKE_WORLD, "all", config, tmp_path, {})
    mirror = tmp_path / "make-world[all]" / "out" / MIRROR
    assert (mirror / HOST / "swwiki" / "20250101" / "dumpstatus.json").is_file()


def test_profiles_of_real_data_have_no_world() -> None:
    config = resolve("mini15")
    assert list(MAKE_WORLD.units(config)) == []
    with pytest.raises(ConfigError, match="no sample world"):
        MAKE_WORLD.slice(config, "all")
