"""Writes labelled rows as `sentence TAB label` or `sentence TAB sentence TAB label`.

counts = write_rows(out / "train.tsv", rows, may_drop=True)
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xlm.errors import DataError

_BREAKS = re.compile(r"[\t\r\n]+")


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One or two sentences and their label."""

    where: str
    """File and line, for messages."""
    sentences: tuple[str, ...]
    label: str

    @property
    def is_empty(self) -> bool:
        """Whether a sentence is missing."""
        return not all(sentence.strip() for sentence in self.sentences)


def row_of(where: str, values: tuple[str, ...]) -> LabelledRow:
    """The row of the values of its columns, the label last; line breaks become spaces.

    Raises:
        DataError: the label is empty.
    """
    *sentences, label = (_BREAKS.sub(" ", value) for value in values)
    if not label.strip():
        raise DataError(f"{where}: the label is empty", fix="remove the row, or add its label")
    return LabelledRow(where, tuple(sentences), label.strip())


def write_rows(path: Path, rows: Iterable[LabelledRow], *, may_drop: bool) -> dict[str, int]:
    """Write a split and return its counts: rows, rows of each label, dropped rows.

    Args:
        may_drop: whether rows with an empty sentence are dropped; without, they are an error,
            because dropping them would change an evaluation set.

    Raises:
        DataError: a sentence is empty, or there are no rows.
    """
    counts: Counter[str] = Counter()
    empty = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            if row.is_empty:
                if not may_drop:
                    raise DataError(
                        f"{row.where}: an empty sentence", fix="remove the row, or add the sentence"
                    )
                empty += 1
                continue
            file.write("\t".join((*row.sentences, row.label)) + "\n")
            counts[row.label] += 1
    split = path.stem
    total = sum(counts.values())
    if not total:
        raise DataError(f"there are no {split} rows", fix="add rows, or remove the language")
    found = {f"{split}_{label}": count for label, count in sorted(counts.items())}
    return {f"{split}_rows": total, **found, **({f"{split}_empty": empty} if empty else {})}
