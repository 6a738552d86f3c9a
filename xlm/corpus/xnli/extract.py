"""The extract-xnli stage: writes XNLI and MultiNLI as `premise TAB hypothesis TAB label`.

A file of XNLI contains all languages in 19 columns without quoting. A file of XNLI-MT
(`multinli.train.{language}.tsv`) contains the training pairs of one language in three columns, with
the label `contradictory`.
"""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zipfile import is_zipfile

from xlm.config.data.extract import ExtractXnliSlice
from xlm.config.data.sources import MULTINLI_ID, XNLI_ID
from xlm.config.languages.pairs import ENGLISH
from xlm.corpus.sources.downloaded_files import sole_file
from xlm.corpus.text_files.compressed import open_plain
from xlm.corpus.text_files.decompression_limit import DAMAGED_FIX
from xlm.corpus.text_files.text_lines import BYTE_ORDER_MARK, Opener, open_text
from xlm.corpus.text_files.zip_files import missing_member, open_member, open_zip
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError

LABELS = ("contradiction", "neutral", "entailment")
_SPELLINGS = {**{label: label for label in LABELS}, "contradictory": "contradiction"}
_EVALUATION = {"valid": "xnli.dev.tsv", "test": "xnli.test.tsv"}
_EVALUATION_COLUMNS = ("language", "sentence1", "sentence2", "gold_label")
_TRAINING_COLUMNS = ("premise", "hypo", "label")


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


def extract_xnli(context: StageContext[ExtractXnliSlice]) -> StageResult:
    """Write `valid.tsv` and `test.tsv`, and `train.tsv` if the language has training pairs.

    Raises:
        DataError: a member or column is missing, a label is unknown, or the language has no pairs.
    """
    config = context.config
    counts: dict[str, int | float | str] = {}
    archive_path = sole_file(context.inputs[XNLI_ID], "*")
    for split, file_name in _EVALUATION.items():
        rows = evaluation_rows(archive_path, file_name, config.language, config.max_eval_rows)
        counts |= _write_split(context, split, rows)
    if config.train:
        archive_path = sole_file(context.inputs[MULTINLI_ID], "*")
        rows = training_rows(archive_path, config.language, config.max_train_rows)
        counts |= _write_split(context, "train", rows)
    return StageResult(counts=counts)


def evaluation_rows(
    archive_path: Path, file_name: str, language: str, max_rows: int | None
) -> Iterator[NliPair]:
    """The first `max_rows` NLI pairs of one language in a file of XNLI 1.0.

    Raises:
        DataError: a sentence is empty, or a row is damaged.
    """
    taken = 0
    for where, row in _table(archive_path, file_name, _EVALUATION_COLUMNS):
        if row[0] == language:
            yield _evaluation_row(where, row[1:])
            taken += 1
            if taken == max_rows:
                return


def training_rows(archive_path: Path, language: str, max_rows: int | None) -> Iterator[NliPair]:
    """The first `max_rows` training pairs of one language in XNLI-MT 1.0, Moses-tokenized."""
    table = _table(archive_path, f"multinli.train.{language}.tsv", _TRAINING_COLUMNS)
    for number, (where, row) in enumerate(table):
        if number == max_rows:
            return
        yield _row(where, *row)


def read_evaluation_set(path: Path, split: str, max_rows: int | None) -> dict[str, list[NliPair]]:
    """The first `max_rows` NLI pairs of each language of XNLI 1.0.

    Args:
        path: the zip, its unpacked folder, or one of its TSV files, plain or compressed.
        split: valid or test, to choose the file of the zip or folder.

    Raises:
        DataError: a file or column is missing, a sentence is empty, or a row is damaged.
    """
    file_name = _EVALUATION[split]
    if path.is_dir():
        path = path / file_name
    found: dict[str, list[NliPair]] = {}
    if is_zipfile(path):
        rows = _table(path, file_name, _EVALUATION_COLUMNS)
    else:
        rows = _rows(partial(open_plain, path), str(path), _EVALUATION_COLUMNS)
    for where, (language, *fields) in rows:
        pairs = found.setdefault(language, [])
        if len(pairs) != max_rows:
            pairs.append(_evaluation_row(where, fields))
    return found


def _evaluation_row(where: str, fields: Sequence[str]) -> NliPair:
    found = _row(where, *fields)
    if found.is_empty:
        # Dropping it would change the evaluation set.
        raise DataError(f"{where}: an empty sentence", fix="check the archive's version")
    return found


def _table(
    archive_path: Path, file_name: str, columns: Sequence[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The given columns of a TSV member."""
    with open_zip(archive_path) as archive:
        name = _member(archive, file_name)
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


def _member(archive: zipfile.ZipFile, file_name: str) -> str:
    for name in archive.namelist():
        if name.rsplit("/", 1)[-1] == file_name:
            return name
    raise missing_member(archive, file_name)


def _row(where: str, premise: str, hypothesis: str, label: str) -> NliPair:
    if label not in _SPELLINGS:
        raise DataError(
            f"{where}: unknown label {label!r}", fix=f"labels are {', '.join(_SPELLINGS)}"
        )
    return NliPair(premise, hypothesis, _SPELLINGS[label])


def _write_split(
    context: StageContext[ExtractXnliSlice], split: str, rows: Iterator[NliPair]
) -> dict[str, int]:
    counts = dict.fromkeys(LABELS, 0)
    empty = 0
    context.out.mkdir(parents=True, exist_ok=True)
    with (context.out / f"{split}.tsv").open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            if row.is_empty:
                empty += 1
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
