"""Reads fields of a file with one JSON object per line."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from xlm.corpus.tables.table import Row, Table, either, listed

_MISSING = object()


class JsonlTable(Table):
    """A JSON lines file, plain or compressed. Blank lines are skipped."""

    def rows(self) -> Iterator[Row]:
        """All rows in which the fields are text or null."""
        for row in self.objects():
            values = self._values(row)
            if values is not None:
                yield values

    def column_names(self) -> list[str]:
        """The names of the fields of the first object."""
        names = [*next(self.objects(), {})]
        self.require_plain()
        return names

    def objects(self) -> Iterator[dict[str, Any]]:
        """All objects, with all of their fields."""
        for number, line in enumerate(self.text.lines(), 1):
            self.number = number
            content = self.text.decode(line)
            if not content.strip():
                continue
            try:
                row = json.loads(content)
            except (ValueError, RecursionError) as error:
                self.refuse(f"it is not JSON ({_reason(error)})", fix="write one object per line")
                continue
            if isinstance(row, dict):
                yield row
            else:
                self.refuse(f"it is {_kind(row)}, not an object", fix="write one object per line")

    def _values(self, row: dict[str, Any]) -> Row | None:
        values = []
        for wanted in self.columns.names:
            value = _first(row, wanted)
            if value is _MISSING:
                what = f"no field {either(wanted)}; it has {listed([*row])}"
                self.refuse(what, self.columns.fix)
                return None
            if self.columns.strict:
                value = self.strict_text(str(wanted[0]), value)
            elif not isinstance(value, str | None):
                self.refuse(f"field {wanted[0]!r} is {_kind(value)}, not text")
                return None
            values.append(self._clean(value or ""))
        return tuple(values)

    def _clean(self, value: str) -> str:
        """Count NULs, and replace surrogates, which JSON can escape but no text can contain."""
        if value.isascii() and "\0" not in value:
            return value
        clean = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        if self.columns.strict and clean != value:
            raise self.error("an escape is half of a character", fix="correct the \\u escape")
        self.text.faults.not_utf8 += clean != value
        self.text.faults.with_nul += "\0" in value
        return clean


def _first(row: dict[str, Any], names: Sequence[int | str]) -> Any:
    """The value of the first name that the row has; `a.b` is field b of a."""
    for name in names:
        if name in row:
            return row[str(name)]
        value: Any = row
        for step in str(name).split("."):
            value = value.get(step, _MISSING) if isinstance(value, dict) else _MISSING
        if value is not _MISSING:
            return value
    return _MISSING


def _kind(value: object) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return kinds.get(type(value), "an object" if isinstance(value, dict) else "null")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    # Python refuses integers of thousands of digits.
    return str(getattr(error, "msg", "")) or "a number has too many digits"
