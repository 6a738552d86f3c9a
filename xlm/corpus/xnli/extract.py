"""The extract-xnli stage: rows of XNLI and MultiNLI to `premise TAB hypothesis TAB label`.

XNLI's own files hold all languages, 19 columns, no quoting (spec 1.6); MultiNLI's hold one language
and three columns, and say `contradictory`. Other languages' training rows lie beside the English
ones as `multinli.train.{language}.tsv`.
"""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from xlm.config.data.extract import ExtractXnliSlice
from xlm.config.data.sources import MULTINLI_ID, XNLI_ID
from xlm.config.languages.pairs import ENGLISH
from xlm.corpus.sources.downloaded_files import sole_file
from xlm.corpus.text_files.archives import DAMAGED_FIX, missing_member, open_member, open_zip
from xlm.corpus.text_files.text_lines import BYTE_ORDER_MARK, open_text
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError

LABELS = ("contradiction", "neutral", "entailment")
_SPELLINGS = {**{label: label for label in LABELS}, "contradictory": "contradiction"}
_EVALUATION = {"valid": "xnli.dev.tsv", "test": "xnli.test.tsv"}
_EVALUATION_COLUMNS = ("language", "sentence1", "sentence2", "gold_label")
_TRAINING_COLUMNS = ("premise", "hypo", "label")


@dataclass(frozen=True, slots=True)
class Row:
    """One pair of sentences and how they relate."""

    premise: str
    hypothesis: str
    label: str

    @property
    def is_empty(self) -> bool:
        """Whether a sentence is missing."""
        return not (self.premise.strip() and self.hypothesis.strip())


def extract_xnli(context: StageContext[ExtractXnliSlice]) -> StageResult:
    """Write `valid.tsv` and `test.tsv`, and `train.tsv` where the language has training rows.

    Raises:
        DataError: a member or column is missing, a label is unknown, or the language has no rows.
    """
    config = context.config
    counts: dict[str, int | float | str] = {}
    archive_path = sole_file(context.inputs[XNLI_ID], "*")
    for split, ending in _EVALUATION.items():
        rows = evaluation_rows(archive_path, ending, config.language, config.max_eval_rows)
        counts |= _write_split(context, split, rows)
    if config.train:
        archive_path = sole_file(context.inputs[MULTINLI_ID], "*")
        rows = training_rows(archive_path, config.language, config.max_train_rows)
        counts |= _write_split(context, "train", rows)
    return StageResult(counts=counts)


def evaluation_rows(
    archive_path: Path, ending: str, language: str, most: int | None
) -> Iterator[Row]:
    """The first `most` rows of one language in a file of XNLI 1.0."""
    taken = 0
    for place, row in _table(archive_path, ending, _EVALUATION_COLUMNS):
        if row[0] == language:
            found = _row(place, *row[1:])
            if found.is_empty:
                # To drop it would change what accuracy is measured on.
                raise DataError(f"{place}: an empty sentence", fix="check the archive's version")
            yield found
            taken += 1
            if taken == most:
                return


def training_rows(archive_path: Path, language: str, most: int | None) -> Iterator[Row]:
    """The first `most` training rows of one language in XNLI-MT 1.0, Moses-tokenized."""
    table = _table(archive_path, f"multinli.train.{language}.tsv", _TRAINING_COLUMNS)
    for number, (place, row) in enumerate(table):
        if number == most:
            return
        yield _row(place, *row)


def _table(
    archive_path: Path, ending: str, columns: Sequence[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The wanted columns of each row of a TSV member without quoting, with the row's place."""
    with open_zip(archive_path) as archive:
        name = _member(archive, ending)
        lines = open_text(partial(open_member, archive, name), name, ENGLISH).lines()
        header = next(lines, b"").decode("utf-8", errors="replace")
        names = header.removeprefix(BYTE_ORDER_MARK).split("\t")
        lacking = [column for column in columns if column not in names]
        if lacking:
            raise DataError(
                f"{name}: no column {', '.join(lacking)}; it has {', '.join(names[:20])[:400]!r}",
                fix="check the archive's version",
            )
        places = [names.index(column) for column in columns]
        for number, line in enumerate(lines, start=2):
            place = f"{name}, line {number}"
            yield place, _cells(place, line, len(names), places)


def _cells(place: str, line: bytes, width: int, places: list[int]) -> tuple[str, ...]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise DataError(f"{place}: not UTF-8 ({fault.reason})", fix=DAMAGED_FIX) from fault
    cells = text.split("\t")
    if len(cells) != width:
        raise DataError(
            f"{place}: {len(cells)} columns where the header has {width}", fix=DAMAGED_FIX
        )
    return tuple(cells[column] for column in places)


def _member(archive: zipfile.ZipFile, ending: str) -> str:
    for name in archive.namelist():
        if name.rsplit("/", 1)[-1] == ending:
            return name
    raise missing_member(archive, ending)


def _row(place: str, premise: str, hypothesis: str, label: str) -> Row:
    if label not in _SPELLINGS:
        raise DataError(
            f"{place}: unknown label {label!r}", fix=f"labels are {', '.join(_SPELLINGS)}"
        )
    return Row(premise, hypothesis, _SPELLINGS[label])


def _write_split(
    context: StageContext[ExtractXnliSlice], split: str, rows: Iterator[Row]
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
            f"XNLI has no {split} rows in {context.config.language}",
            fix="take this language out of `languages`, or another archive",
        )
    return {
        f"{split}_rows": total,
        **{f"{split}_{label}": counts[label] for label in LABELS},
        **({f"{split}_empty": empty} if empty else {}),
    }
