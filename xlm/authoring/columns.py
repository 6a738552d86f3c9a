"""Guesses which columns of the user's files contain the text: by their names, else their lengths.

    sample = read_sample("tsv", path)
    text_column(sample, language)            # {"column": 2}
    pair_columns(sample, (english, yoruba))  # {"columns": [1, 3]}

The profile shows the guess, and the user can change it there.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from xlm.config.languages.pairs import ENGLISH
from xlm.config.languages.table import Language
from xlm.corpus.tables.jsonl import JsonlTable
from xlm.corpus.tables.parquet import opened_parquet
from xlm.corpus.tables.table import Columns
from xlm.corpus.tables.tsv import TsvTable
from xlm.errors import DataError

_SAMPLE_ROWS = 200
_TEXT_NAMES = ("text", "sentence", "content", "raw_content", "paragraph", "document")
_PAIR_NAMES = (
    ("source", "target"), ("src", "tgt"), ("sentence1", "sentence2"), ("text1", "text2"),
    ("sentence_1", "sentence_2"), ("premise", "hypothesis"), ("original", "translation"),
)  # fmt: skip
_OTHER_NAMES = ("id", "label", "lang", "language", "score", "url", "domain", "title", "name")
_HEADER_CELL = re.compile(r"[^\W\d][\w -]*(\.[\w -]+)*")
_LONGEST_HEADER = 30


@dataclass(frozen=True)
class Sample:
    """The first rows of a file."""

    path: Path
    kind: str
    names: tuple[str, ...]
    """Names of the columns; empty for a TSV file without a header."""
    rows: tuple[tuple[str, ...], ...]

    @property
    def has_header(self) -> bool:
        """Whether the first line of a TSV file contains names."""
        return self.kind == "tsv" and bool(self.names)

    def lengths(self) -> list[float]:
        """The mean number of letters in each column; numbers, URLs and codes have few."""
        width = max((len(row) for row in self.rows), default=0)
        return [
            sum(_letters(row[column]) for row in self.rows if column < len(row)) / len(self.rows)
            for column in range(width)
        ]

    def named(self, names: Sequence[str]) -> int | None:
        """The first column with one of these names, in any case."""
        lower = [name.lower() for name in self.names]
        return next((lower.index(name) for name in names if name in lower), None)

    def column(self, place: int) -> int | str:
        """What a profile writes for a column: its name, else its position from 1."""
        return self.names[place] if self.names else place + 1

    def no_columns(self, what: str) -> DataError:
        """The error that no column can be the text."""
        known = ", ".join(self.names) if self.names else f"{len(self.lengths())} without names"
        return DataError(
            f"{self.path}: {what} (columns: {known})",
            fix="name the columns in the profile: docs/how-to/train-on-your-own-text.md shows how",
        )


def read_sample(kind: str, path: Path) -> Sample:
    """Read the first rows of a TSV, JSON lines or Parquet file.

    Raises:
        DataError: the file is damaged, or has no rows.
    """
    readers = {"tsv": _read_tsv, "jsonl": _read_jsonl, "parquet": _read_parquet}
    sample = readers[kind](path)
    if not sample.rows:
        raise DataError(f"{path} has no rows", fix="check the file")
    return sample


def text_column(sample: Sample, language: Language) -> dict[str, Any]:
    """The settings of a source of monolingual text: which column it reads.

    Raises:
        DataError: no column contains text.
    """
    place = sample.named([*_TEXT_NAMES, *_names_of(language)])
    if place is None:
        lengths = sample.lengths()
        place = max(range(len(lengths)), key=lengths.__getitem__)
        if lengths[place] == 0:
            raise sample.no_columns("no column contains text")
    column = sample.column(place)
    is_default = column == ("text" if sample.kind != "tsv" else 1)
    return {} if is_default else {"column": column}


def pair_columns(sample: Sample, languages: tuple[Language, Language]) -> dict[str, Any]:
    """The settings of a parallel source: which columns it reads.

    Args:
        sample: the first rows of the file.
        languages: the languages in the order in which the user named them. It decides if the
            columns have no names.

    Raises:
        DataError: there are no two columns of text.
    """
    found = [sample.named(_names_of(one)) for one in languages]
    if None in found:
        for names in _PAIR_NAMES:
            found = [sample.named([name]) for name in names]
            if None not in found:
                break
    if None in found:
        lengths = sample.lengths()
        longest = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)[:2]
        if len(longest) < 2 or not lengths[longest[1]]:
            raise sample.no_columns("there are no two columns of text")
        found = _with_known(found, sorted(longest), lengths)
    columns = {
        one.code: sample.column(place)
        for one, place in zip(languages, found, strict=True)
        if place is not None
    }
    ordered = {code: columns[code] for code in sorted(columns)}
    if sample.kind == "tsv":
        return {} if list(ordered.values()) == [1, 2] else {"columns": list(ordered.values())}
    is_default = all(name in (code, f"translation.{code}") for code, name in ordered.items())
    return {} if is_default else {"columns": ordered}


def _with_known(
    named: Sequence[int | None], longest: Sequence[int], lengths: Sequence[float]
) -> list[int | None]:
    """Two columns of text: one that is named like its language stays, the longest other is added.

    Args:
        named: the column of each language, None if it has no name that is known.
        longest: the two columns with the longest text, in their order.
        lengths: letters in each column.
    """
    known = [place for place in named if place is not None]
    if len(known) != 1:
        return [*longest]
    others = (place for place in range(len(lengths)) if place != known[0])
    other = max(others, key=lengths.__getitem__)
    return [other if place is None else place for place in named]


def _names_of(language: Language) -> list[str]:
    codes = [language.code, language.iso, *language.opus, language.name.lower()]
    forms = ("{}", "translation.{}", "{}_text", "text_{}", "sentence_{}", "{}_sentence")
    return [form.format(code.lower()) for form in forms for code in codes if code]


def _letters(value: str) -> int:
    return 0 if value.startswith(("http://", "https://")) else sum(map(str.isalpha, value))


def _read_tsv(path: Path) -> Sample:
    records = TsvTable(path, Columns(()), ENGLISH).records()
    filled = (tuple(cells) for cells in records if any(map(str.strip, cells)))
    rows = tuple(islice(filled, _SAMPLE_ROWS))
    names = rows[0] if rows and _is_header(rows[0]) else ()
    return Sample(path, "tsv", names, rows[1:] if names else rows)


def _is_header(cells: Sequence[str]) -> bool:
    """Whether the cells look like names: short words, at least one of them usual."""
    usual = {*_TEXT_NAMES, *_OTHER_NAMES, *(name for pair in _PAIR_NAMES for name in pair)}
    words = [cell.strip().lower() for cell in cells]
    if len(set(words)) < len(words) or not all(
        len(word) <= _LONGEST_HEADER and _HEADER_CELL.fullmatch(word) for word in words
    ):
        return False
    return any(word in usual for word in words) or (
        len(words) > 1 and all(_is_language_name(word) for word in words)
    )


def _is_language_name(word: str) -> bool:
    from xlm.config.languages.table import read_table

    return any(word in (one.code, one.iso, one.name.lower()) for one in read_table().values())


def _read_jsonl(path: Path) -> Sample:
    objects = JsonlTable(path, Columns((), strict=True), ENGLISH).objects()
    return _sample_of(path, "jsonl", islice(objects, _SAMPLE_ROWS))


def _read_parquet(path: Path) -> Sample:
    with opened_parquet(path) as file:
        batch = next(file.iter_batches(_SAMPLE_ROWS, use_threads=False), None)
        return _sample_of(path, "parquet", [] if batch is None else batch.to_pylist())


def _sample_of(path: Path, kind: str, objects: Iterable[dict[str, Any]]) -> Sample:
    flat = [dict(_flat(one)) for one in objects]
    names = tuple(dict.fromkeys(name for one in flat for name in one))
    return Sample(path, kind, names, tuple(tuple(o.get(n, "") for n in names) for o in flat))


def _flat(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The text fields of an object, and of the objects in it as `a.b`."""
    for name, field in value.items():
        if isinstance(field, str):
            yield name, field
        elif isinstance(field, dict):
            inner = ((f"{name}.{key}", text) for key, text in field.items())
            yield from ((key, text) for key, text in inner if isinstance(text, str))
