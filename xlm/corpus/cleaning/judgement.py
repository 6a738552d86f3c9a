"""Step 1 of cleaning: judges the rows of one block, in a worker process.

The verdict on a row is 0 (kept), or 1 + the index of its reason in `reasons(config)`.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xlm.config.data.cleaning import PACKAGED_MODEL, CleanSlice
from xlm.corpus.cleaning.blocks import Block, read_rows
from xlm.corpus.cleaning.bounds import LengthRatio, TooLong, TooShort
from xlm.corpus.cleaning.decontamination import (
    Contaminated,
    EvaluationSentences,
    read_evaluation_sentences,
)
from xlm.corpus.cleaning.duplicates import CorpusCleaner, Duplicates, NearDuplicates
from xlm.corpus.cleaning.language import OtherLanguage
from xlm.corpus.cleaning.language_models import load_model
from xlm.corpus.cleaning.rows import RowCleaner
from xlm.store.file_jobs import FileJob

Verdicts = npt.NDArray[np.uint8]

KEPT = 0
_SENTENCES_KEPT = 2
"""Languages whose evaluation sentences a worker keeps in memory: those of a pair."""


def row_cleaners(
    config: CleanSlice, characters: tuple[int, ...], evaluation: Mapping[str, Path]
) -> list[RowCleaner]:
    """The cleaners that judge a row by itself, in their order.

    Args:
        characters: characters of each side of the corpus.
        evaluation: language to the folder of its dev and test rows.
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
        model = load_model(config.language_model_path or PACKAGED_MODEL)
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
    """Write the verdicts and the hashes of a block: (rows,) and (columns, rows)."""
    config, cleaners = cleaners_of(job.options)
    rows = read_rows(Block(job.sources, tuple((a, b) for a, b in job.options["ranges"])))
    verdicts = np.fromiter(
        (
            next((code for code, one in enumerate(cleaners, start=1) if not one.keep(row)), KEPT)
            for row in rows
        ),
        np.uint8,
        len(rows),
    )
    alive = np.flatnonzero(verdicts == KEPT)
    compared = [rows[index] for index in alive]
    hashes = [np.zeros((0, len(rows)), np.uint64)]
    for one in corpus_cleaners(config):
        # Rows that are dropped already have no hash; no later step reads theirs.
        columns = np.zeros((one.columns, len(rows)), np.uint64)
        columns[:, alive] = one.hashes(compared)
        hashes.append(columns)
    arrays: tuple[npt.NDArray[Any], ...] = (verdicts, np.concatenate(hashes))
    for target, values in zip(job.targets, arrays, strict=True):
        with target.open("wb") as file:
            np.save(file, values, allow_pickle=False)
    return {"lines": len(rows)}


def cleaners_of(options: Mapping[str, Any]) -> tuple[CleanSlice, list[RowCleaner]]:
    """The slice and the row cleaners of a job."""
    config = CleanSlice.model_validate(options["config"])
    evaluation = {code: Path(path) for code, path in options["evaluation"].items()}
    return config, row_cleaners(config, tuple(options["characters"]), evaluation)


@lru_cache(maxsize=_SENTENCES_KEPT)
def _sentences(folder: Path, size: int, unspaced: bool) -> EvaluationSentences:
    return EvaluationSentences(read_evaluation_sentences(folder), size, unspaced=unspaced)
