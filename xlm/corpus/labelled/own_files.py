"""The rows of a task of the user's own files, and their check before a run.

check_files(task)                    # every file is read once
rows = rows_of(["data/train.tsv"], ["text", "label"], "sw")
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from xlm.config.data.extract import ExtractLabelledSlice
from xlm.config.data.tasks import SPLITS, FilesTask
from xlm.corpus.labelled.rows import LabelledRow, row_of, write_rows
from xlm.corpus.labelled.tables import open_labelled
from xlm.corpus.local_files import digest_of, find_files, require_unchanged
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError


def rows_of(paths: Sequence[Path], columns: Sequence[str], language: str) -> Iterator[LabelledRow]:
    """The rows of files, in order.

    Args:
        columns: columns of the one or two sentences, and of the label.

    Raises:
        DataError: a file, a column or a value is missing or damaged.
    """
    fix = (
        "name one of them in classify (text, premise, hypothesis, label); the first line of a TSV "
        "or CSV file has to name the columns"
    )
    for path in paths:
        table = open_labelled(path, columns, language, fix)
        for where, values in table.strict_rows():
            yield row_of(where, values)


def paths_of(task: FilesTask, code: str) -> dict[str, tuple[Path, ...]]:
    """Split to files in a language; patterns are expanded.

    Raises:
        ConfigError: there is no such file.
    """
    return {
        split: find_files(location, setting)
        for split, (setting, location) in task.locations(code).items()
    }


def digests_of(
    task: FilesTask, paths: Mapping[str, Sequence[Path]], code: str
) -> dict[str, tuple[str, ...]]:
    """Split to digests of its files.

    Raises:
        ConfigError: a file cannot be read, or is empty.
    """
    settings = {split: setting for split, (setting, _) in task.locations(code).items()}
    return {
        split: tuple(digest_of(path, settings[split]) for path in files)
        for split, files in paths.items()
    }


def extract_files(context: StageContext[ExtractLabelledSlice]) -> StageResult:
    """Write a TSV for each split that the language has.

    Raises:
        DataError: a file, a column or a value is missing or damaged, or a file changed.
    """
    config = context.config
    counts: dict[str, int | float | str] = {}
    for split, names in config.paths.items():
        paths = [Path(name) for name in names]
        rows = rows_of(paths, config.columns, config.language)
        counts |= write_rows(context.out / f"{split}.tsv", rows, may_drop=split == "train")
        for path, digest in zip(paths, config.contents[split], strict=True):
            require_unchanged(path, digest)
    return StageResult(counts=counts)


def check_files(task: FilesTask) -> None:
    """Read all files of a task, so that a run does not fail after hours of pretraining.

    Raises:
        ConfigError: a file does not exist, or is empty.
        DataError: a file, a column or a value is missing or damaged, or a label is not one of the
            training rows.
    """
    columns = (*task.columns, task.label)
    found: dict[str, dict[str, str]] = {split: {} for split in SPLITS}
    for code in sorted({*task.train, *task.dev, *task.test}):
        paths = paths_of(task, code)
        digests = digests_of(task, paths, code)
        for split, files in paths.items():
            labels = _checked_labels(files, digests[split], columns, code, split)
            found[split] = labels | found[split]
    _require_known(task, found)


def _require_known(task: FilesTask, found: dict[str, dict[str, str]]) -> None:
    training = found["train"]
    for split in SPLITS:
        for label, where in found[split].items():
            if task.labels and label not in task.labels:
                raise DataError(
                    f"{where}: the label {label!r} is not one of classify.labels: "
                    f"{', '.join(task.labels)}"[:400],
                    fix="add it to classify.labels, or correct the row",
                )
            if label not in training:
                raise DataError(
                    f"{where}: the label {label!r} does not occur in the training rows, which "
                    f"have {', '.join(sorted(training))}"[:400],
                    fix="add training rows with it, or remove the rows that have it",
                )
    for label in task.labels:
        if label not in training:
            raise DataError(
                f"classify.labels: no training row has the label {label!r}",
                fix="remove it, or add training rows with it",
            )
    _require_distinct(training, task.labels)
    if len(training) < 2:
        raise DataError(
            f"all training rows have the label {next(iter(training))!r}",
            fix="add rows with another label",
        )


def _require_distinct(training: Mapping[str, str], named: Sequence[str]) -> None:
    """Refuse labels that look the same, unless `classify.labels` names them.

    Raises:
        DataError: two labels differ only in case, spaces or their Unicode form.
    """
    forms: dict[str, str] = {}
    for label in () if named else training:
        other = forms.setdefault(_plain_form(label), label)
        if other != label:
            raise DataError(
                f"{training[label]}: the label {label!a} differs from {other!a} only in case, "
                "spaces or Unicode form",
                fix="write both the same, or name all labels in classify.labels",
            )


def _plain_form(label: str) -> str:
    visible = "".join(letter for letter in label if unicodedata.category(letter) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", visible).casefold().split())


@cache
def _checked_labels(
    files: tuple[Path, ...],
    digests: tuple[str, ...],
    columns: tuple[str, ...],
    code: str,
    split: str,
) -> dict[str, str]:
    """Each label of some files, with the place of its first row; files are read once a process."""
    labels: dict[str, str] = {}
    count = 0
    for row in rows_of(files, columns, code):
        if row.is_empty:
            if split != "train":
                raise DataError(
                    f"{row.where}: an empty sentence", fix="remove the row, or add the sentence"
                )
            continue
        count += 1
        labels.setdefault(row.label, row.where)
    if not count:
        names = ", ".join(map(str, files))
        raise DataError(f"{names}: no rows", fix="add rows, or remove the file from classify")
    return labels
