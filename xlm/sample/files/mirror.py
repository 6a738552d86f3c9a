"""Writes the sample world as a mirror of the real servers.

    write_mirror(out / "mirror", SampleConfig(), "20261101", mapper)

`mirror/<host>/<path>` contains 15 Wikipedias, 14 parallel corpora of Tatoeba (OPUS) and both
archives of XNLI. It always contains all languages, so that the selected languages of a run do not
change the files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from xlm.config.data.sample import SampleConfig
from xlm.config.languages.pairs import ENGLISH
from xlm.display.progress import NoProgress, Progress
from xlm.engine.stage import Mapper
from xlm.sample.files.nli_files import training_table, write_xnli, write_xnli_mt
from xlm.sample.files.parallel_files import write_tatoeba
from xlm.sample.files.wikipedia_files import write_wikipedia
from xlm.sample.world.articles import articles
from xlm.sample.world.lexicon import languages
from xlm.sample.world.nli import NliPair, evaluation_rows, nli_pairs
from xlm.sample.world.translations import translations

_NO_PROGRESS = NoProgress()


@dataclass(frozen=True)
class _Job:
    """The files of one language."""

    mirror: Path
    config: SampleConfig
    date: str
    language: str


@dataclass(frozen=True)
class _Written:
    language: str
    pages: int
    pairs: int
    training_table: str


def write_mirror(
    mirror: Path,
    config: SampleConfig,
    date: str,
    mapper: Mapper,
    progress: Progress = _NO_PROGRESS,
) -> dict[str, int]:
    """Write the mirror and return its counts (languages, pages, pairs, rows).

    Args:
        date: date of the Wikipedia dumps, YYYYMMDD.
    """
    codes = languages()
    jobs = [_Job(mirror, config, date, code) for code in codes]
    written = []
    for result in mapper.map(_write_language, jobs):
        written.append(result)
        progress.update(len(written), len(codes), "languages", result.language)
    train = {result.language: result.training_table for result in written}
    return {
        "languages": len(codes),
        "pages": sum(result.pages for result in written),
        "pairs": sum(result.pairs for result in written),
        **_write_nli(mirror, config, train),
    }


def _write_language(job: _Job) -> _Written:
    pages = write_wikipedia(
        job.mirror, job.language, articles(job.config, job.language), date=job.date
    )
    pairs = {"pairs": 0}
    if job.language != ENGLISH:
        pairs = write_tatoeba(job.mirror, job.language, translations(job.config, job.language))
    return _Written(
        language=job.language,
        pages=pages["pages"],
        pairs=pairs["pairs"],
        training_table=training_table(
            item.in_language(job.language) for item in _training_pairs(job.config)
        ),
    )


@lru_cache(maxsize=1)
def _training_pairs(config: SampleConfig) -> list[NliPair]:
    """Draw the pairs, which are the same for all languages, once for each worker process."""
    return nli_pairs(config, "train")


def _write_nli(mirror: Path, config: SampleConfig, train: Mapping[str, str]) -> dict[str, int]:
    dev, test = evaluation_rows(config, "dev"), evaluation_rows(config, "test")
    # Row i is the same pair in all languages, so a perfect translation gives the English rows.
    in_english = {code: test[ENGLISH] for code in test if code != ENGLISH}
    evaluated = write_xnli(mirror, dev, test)
    write_xnli_mt(mirror, train, in_english)
    return {
        "train_rows": config.train_pairs * len(train),
        "dev_rows": evaluated["dev_rows"],
        "test_rows": evaluated["test_rows"],
    }
