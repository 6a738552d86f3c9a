"""Writes the whole sample world as a mirror of the real hosts.

    write_mirror(out / "mirror", SampleConfig(), "20261101", mapper)

`mirror/<host>/<path>` holds 15 Wikipedias, 14 parallel corpora of OPUS' Tatoeba, both archives of
XNLI. It always holds all languages of the lexicon, so that a run of fewer changes none of them.
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
from xlm.sample.world.nli import Inference, evaluation_rows, inferences
from xlm.sample.world.translations import translations

_NO_PROGRESS = NoProgress()


@dataclass(frozen=True)
class _Job:
    """All files that belong to one language."""

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
    for found in mapper.map(_write_language, jobs):
        written.append(found)
        progress.update(len(written), len(codes), "languages", found.language)
    train = {found.language: found.training_table for found in written}
    return {
        "languages": len(codes),
        "pages": sum(found.pages for found in written),
        "pairs": sum(found.pairs for found in written),
        **_write_inference(mirror, config, train),
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
            item.in_language(job.language) for item in _training_items(job.config)
        ),
    )


@lru_cache(maxsize=1)
def _training_items(config: SampleConfig) -> list[Inference]:
    """The same for all languages, so that a worker draws them once."""
    return inferences(config, "train")


def _write_inference(
    mirror: Path, config: SampleConfig, train: Mapping[str, str]
) -> dict[str, int]:
    dev, test = evaluation_rows(config, "dev"), evaluation_rows(config, "test")
    # Row i is the same item in all languages, so a perfect translator would give the English rows.
    in_english = {code: test[ENGLISH] for code in test if code != ENGLISH}
    evaluated = write_xnli(mirror, dev, test)
    write_xnli_mt(mirror, train, in_english)
    return {
        "train_rows": config.train_pairs * len(train),
        "dev_rows": evaluated["dev_rows"],
        "test_rows": evaluated["test_rows"],
    }
