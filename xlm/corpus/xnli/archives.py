"""Reads the pairs of XNLI and XNLI-MT from their archives.

A file of XNLI contains all languages in 19 columns without quoting. A file of XNLI-MT
(`multinli.train.{language}.tsv`) contains the training pairs of one language in three columns, with
the label `contradictory`. `translations.py` reads the English translations in XNLI-MT.
"""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zipfile import is_zipfile

from xlm.config.languages.pairs import ENGLISH
from xlm.corpus.text_files.compressed import open_plain
from xlm.corpus.text_files.decompression_limit import DAMAGED_FIX
from xlm.corpus.text_files.text_lines import BYTE_ORDER_MARK, Opener, open_text
from xlm.corpus.text_files.zip_files import missing_member, open_member, open_zip
from xlm.errors import DataError

LABELS = ("contradiction", "neutral", "entailment")
_SPELLINGS = {**{label: label for label in LABELS}, "contradictory": "contradiction"}
EVALUATION_FILES = {"valid": "xnli.dev.tsv", "test": "xnli.test.tsv"}
"""The file of a split in XNLI 1.0."""
EVALUATION_COLUMNS = ("language", "sentence1", "sentence2", "gold_label")
TRAINING_COLUMNS = ("premise", "hypo", "label")
MISSING_TRAINING_FIX = (
    "take the complete archive (sources.multinli, sources.mirror), or train in other languages "
    "(xnli.settings, classify.train)"
)


@dataclass(frozen=True, slots=True)
class NliPair:
    """An NLI pair: two sentences and their relation."""

    premise: str
    hypothesis: str
    label: str

    @property
    def is_empty(self) -> bool:
        """Whether a sentence is missing."""
        return not (self.premise.strip() and self.hypothesis.strip())


def evaluation_rows(
    archive_path: Path, file_name: str, language: str, max_rows: int | None
) -> Iterator[NliPair]:
    """The first `max_rows` NLI pairs of one language in a file of XNLI 1.0.

    Raises:
        DataError: a sentence is empty, or a row is damaged.
    """
    taken = 0
    for where, row in read_table(archive_path, file_name, EVALUATION_COLUMNS):
        if row[0] == language:
            yield _evaluation_row(where, row[1:])
            taken += 1
            if taken == max_rows:
                return


def training_rows(archive_path: Path, language: str, max_rows: int | None) -> Iterator[NliPair]:
    """The first `max_rows` training pairs of one language in XNLI-MT 1.0, Moses-tokenized."""
    name = training_member(language)
    table = read_table(archive_path, name, TRAINING_COLUMNS, fix=MISSING_TRAINING_FIX)
    for number, (where, row) in enumerate(table):
        if number == max_rows:
            return
        yield nli_pair(where, *row)


def training_member(language: str) -> str:
    """The file name of a language's training pairs in XNLI-MT."""
    return f"multinli.train.{language}.tsv"


def read_evaluation_set(path: Path, split: str, max_rows: int | None) -> dict[str, list[NliPair]]:
    """The first `max_rows` NLI pairs of each language of XNLI 1.0.

    Args:
        path: the zip, its unpacked folder, or one of its TSV files, plain or compressed.
        split: valid or test, to choose the file of the zip or folder.

    Raises:
        DataError: a file or column is missing, a sentence is empty, or a row is damaged.
    """
    file_name = EVALUATION_FILES[split]
    if path.is_dir():
        path = path / file_name
    found: dict[str, list[NliPair]] = {}
    if is_zipfile(path):
        rows = read_table(path, file_name, EVALUATION_COLUMNS)
    else:
        rows = _rows(partial(open_plain, path), str(path), EVALUATION_COLUMNS)
    for where, (language, *fields) in rows:
        pairs = found.setdefault(language, [])
        if len(pairs) != max_rows:
            pairs.append(_evaluation_row(where, fields))
    return found


def _evaluation_row(where: str, fields: Sequence[str]) -> NliPair:
    found = nli_pair(where, *fields)
    if found.is_empty:
        # Dropping it would change the evaluation set.
        raise DataError(f"{where}: an empty sentence", fix="check the archive's version")
    return found


def read_table(
    archive_path: Path, file_name: str, columns: Sequence[str], fix: str = ""
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The given columns of a TSV member, each row with its file and line.

    Args:
        fix: what to do if the archive does not have the member.
    """
    with open_zip(archive_path) as archive:
        name = member_named(archive, file_name)
        if name is None:
            raise missing_member(archive, file_name, fix)
        yield from _rows(partial(open_member, archive, name), name, columns)


def _rows(
    opener: Opener, name: str, columns: Sequence[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The given columns of a TSV file without quoting, each row with its file and line."""
    lines = open_text(opener, name, ENGLISH).lines()
    header = next(lines, b"").decode("utf-8", errors="replace")
    names = header.removeprefix(BYTE_ORDER_MARK).split("\t")
    missing = [column for column in columns if column not in names]
    if missing:
        raise DataError(
            f"{name}: no column {', '.join(missing)}; it has {', '.join(names[:20])[:400]!r}",
            fix="check the archive's version",
        )
    indices = [names.index(column) for column in columns]
    for number, line in enumerate(lines, start=2):
        where = f"{name}, line {number}"
        yield where, _fields(where, line, len(names), indices)


def _fields(where: str, line: bytes, width: int, indices: list[int]) -> tuple[str, ...]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise DataError(f"{where}: not UTF-8 ({fault.reason})", fix=DAMAGED_FIX) from fault
    fields = text.split("\t")
    if len(fields) != width:
        raise DataError(
            f"{where}: {len(fields)} columns, but the header has {width}", fix=DAMAGED_FIX
        )
    return tuple(fields[index] for index in indices)


def member_named(archive: zipfile.ZipFile, file_name: str) -> str | None:
    """The member with a file name, in any folder; None: there is none."""
    names = archive.namelist()
    return next((name for name in names if name.rsplit("/", 1)[-1] == file_name), None)


def nli_pair(where: str, premise: str, hypothesis: str, label: str) -> NliPair:
    """A pair with the label in XNLI's spelling.

    Raises:
        DataError: the label is unknown.
    """
    if label not in _SPELLINGS:
        raise DataError(
            f"{where}: unknown label {label!r}", fix=f"labels are {', '.join(_SPELLINGS)}"
        )
    return NliPair(premise, hypothesis, _SPELLINGS[label])
