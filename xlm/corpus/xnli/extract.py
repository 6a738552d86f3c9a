"""The extract-xnli stage: writes XNLI and MultiNLI as `premise TAB hypothesis TAB label`."""

from collections.abc import Iterable
from pathlib import Path

from xlm.config.data.extract import ExtractXnliSlice
from xlm.config.data.sources import MULTINLI_ID, XNLI_ID
from xlm.corpus.sources.downloaded_files import sole_file
from xlm.corpus.xnli.archives import (
    EVALUATION_FILES,
    LABELS,
    NliPair,
    evaluation_rows,
    training_rows,
)
from xlm.corpus.xnli.translations import translated_rows
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError

Counts = dict[str, int | float | str]


def extract_xnli(context: StageContext[ExtractXnliSlice]) -> StageResult:
    """Write `valid.tsv` and `test.tsv`, and `train.tsv` if the language has training pairs.

    Of English translations, write `test.tsv`, and `valid.tsv` if the archive has them.

    Raises:
        DataError: a member or column is missing, a label is unknown, the language has no pairs, or
            translations are not those of the rows in XNLI.
    """
    config = context.config
    archive_path = sole_file(context.inputs[XNLI_ID], "*")
    if config.in_english:
        return StageResult(counts=_write_translations(context, archive_path))
    counts: Counts = {}
    for split, file_name in EVALUATION_FILES.items():
        rows = evaluation_rows(archive_path, file_name, config.language, config.max_eval_rows)
        counts |= _write_split(context, split, rows)
    if config.train:
        archive_path = sole_file(context.inputs[MULTINLI_ID], "*")
        pairs = training_rows(archive_path, config.language, config.max_train_rows)
        counts |= _write_split(context, "train", pairs)
    return StageResult(counts=counts)


def _write_translations(context: StageContext[ExtractXnliSlice], xnli: Path) -> Counts:
    config = context.config
    archive_path = sole_file(context.inputs[MULTINLI_ID], "*")
    counts: Counts = {}
    for split in EVALUATION_FILES:
        rows = translated_rows(archive_path, xnli, config.language, split)
        if rows:
            counts |= _write_split(context, split, rows[: config.max_eval_rows])
    return counts


def _write_split(
    context: StageContext[ExtractXnliSlice], split: str, rows: Iterable[NliPair]
) -> dict[str, int]:
    """Write the rows; those of dev and test keep their numbers, also if a translation is empty."""
    counts = dict.fromkeys(LABELS, 0)
    empty = 0
    context.out.mkdir(parents=True, exist_ok=True)
    with (context.out / f"{split}.tsv").open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            if row.is_empty:
                empty += 1
                if split == "train":
                    continue
            file.write(f"{row.premise}\t{row.hypothesis}\t{row.label}\n")
            counts[row.label] += 1
    total = sum(counts.values())
    if total == 0:
        raise DataError(
            f"XNLI has no {split} pairs in {context.config.language}",
            fix="take this language out of `languages`, or another archive",
        )
    return {
        f"{split}_rows": total,
        **{f"{split}_{label}": counts[label] for label in LABELS},
        **({f"{split}_empty": empty} if empty else {}),
    }
