"""Step 1 of cleaning: judges the rows of one range of lines, in a worker process.

The verdict on a row is 0 (kept), or the number of the cleaner that drops it, from 1.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xlm.config.data.cleaning import PACKAGED_MODEL, CleanSlice
from xlm.corpus.cleaning.bounds import LengthRatio, TooLong, TooShort
from xlm.corpus.cleaning.decontamination import (
    Contaminated,
    EvaluationSentences,
    read_evaluation_sentences,
)
from xlm.corpus.cleaning.duplicates import (
    CorpusCleaner,
    Duplicates,
    Hashes,
    NearDuplicates,
)
from xlm.corpus.cleaning.language import OtherLanguage
from xlm.corpus.cleaning.language_models import load_model, model_identity
from xlm.corpus.cleaning.rows import Row, RowCleaner, from_options, read_rows
from xlm.errors import DataError
from xlm.store.file_jobs import FileJob

Verdicts = npt.NDArray[np.uint8]

KEPT = 0
_BATCH_ROWS = 10_000
"""Rows in memory."""
_SENTENCES_KEPT = 2
"""Languages whose evaluation sentences a worker keeps in memory: those of a pair."""


def row_cleaners(
    config: CleanSlice, characters: tuple[int, ...], evaluation: Mapping[str, tuple[Path, ...]]
) -> list[RowCleaner]:
    """The cleaners that judge a row by itself, in their order.

    Args:
        characters: characters of each side of the corpus.
        evaluation: language to the folders of dev and test rows in it.
    """
    found: list[RowCleaner] = []
    if config.min_characters is not None:
        found.append(TooShort(config.min_characters))
    if config.max_characters is not None:
        found.append(TooLong(config.max_characters))
    if config.max_ratio is not None:
        first, second = characters
        found.append(LengthRatio(config.max_ratio, (first, second)))
    if config.language_certainty is not None:
        spec = config.language_model_path or PACKAGED_MODEL
        if model_identity(spec) != config.language_model:
            raise DataError(
                f"{spec} changed during the run", fix="run again, so that the key matches it"
            )
        model = load_model(spec)
        names, certainty = config.language_names, config.language_certainty
        found.append(OtherLanguage(model, config.languages, names, certainty))
    if config.overlap:
        found.append(
            Contaminated(
                [
                    _sentences(evaluation[code], config.overlap[code], code in config.unspaced)
                    if code in config.overlap
                    else None
                    for code in config.languages
                ]
            )
        )
    return found


def corpus_cleaners(config: CleanSlice) -> list[CorpusCleaner]:
    """The cleaners that compare a row with earlier ones, in their order."""
    found: list[CorpusCleaner] = [Duplicates()] if config.duplicates else []
    if config.near_duplicates is not None:
        found.append(NearDuplicates(config.near_duplicates))
    return found


def judge(job: FileJob) -> dict[str, int]:
    """Write the verdicts and the hashes of a range: (rows,) and (columns, rows)."""
    config, cleaners = cleaners_of(job.options)
    compared = corpus_cleaners(config)
    verdicts = [np.zeros(0, np.uint8)]
    hashes = [np.zeros((sum(one.columns for one in compared), 0), np.uint64)]
    rows = read_rows(from_options(job.options, job.sources))
    while batch := list(islice(rows, _BATCH_ROWS)):
        codes = [_verdict(row, cleaners) for row in batch]
        verdicts.append(np.array(codes, np.uint8))
        hashes.append(_hashes(batch, codes, compared))
    arrays: list[npt.NDArray[Any]] = [np.concatenate(verdicts), np.concatenate(hashes, axis=1)]
    for target, values in zip(job.targets, arrays, strict=True):
        with target.open("wb") as file:
            np.save(file, values, allow_pickle=False)
    return {}


def _verdict(row: Row, cleaners: Sequence[RowCleaner]) -> int:
    for code, one in enumerate(cleaners, start=1):
        if not one.keep(row):
            return code
    return KEPT


def _hashes(rows: Sequence[Row], codes: Sequence[int], compared: Sequence[CorpusCleaner]) -> Hashes:
    """The hashes of rows, (columns, rows); those of dropped rows are 0, and no step reads them."""
    kept = [index for index, code in enumerate(codes) if code == KEPT]
    found = np.zeros((sum(one.columns for one in compared), len(rows)), np.uint64)
    first = 0
    for one in compared:
        found[first : first + one.columns, kept] = one.hashes([rows[index] for index in kept])
        first += one.columns
    return found


def cleaners_of(options: Mapping[str, Any]) -> tuple[CleanSlice, list[RowCleaner]]:
    """The slice and the row cleaners of a job."""
    config = CleanSlice.model_validate(options["config"])
    evaluation = {code: tuple(map(Path, paths)) for code, paths in options["evaluation"].items()}
    return config, row_cleaners(config, tuple(options["characters"]), evaluation)


@lru_cache(maxsize=_SENTENCES_KEPT)
def _sentences(folders: tuple[Path, ...], size: int, unspaced: bool) -> EvaluationSentences:
    sentences = chain.from_iterable(map(read_evaluation_sentences, folders))
    return EvaluationSentences(sentences, size, unspaced=unspaced)
