"""Lower-casing and accent removal, for all languages and all text (spec: lowercase script).

Nothing is recomposed afterwards: a letter that decomposes into other letters stays decomposed.
"""

import unicodedata


def lower_without_accents(line: str) -> str:
    """Lower-case a line and drop every non-spacing mark (category Mn)."""
    line = line.rstrip().lower()
    if line.isascii():
        return line
    decomposed = unicodedata.normalize("NFD", line)
    return decomposed.translate(_WITHOUT_MARKS).lower()


class _MarkTable(dict[int, int | None]):
    """Fills itself with the code points that are met; None deletes."""

    def __missing__(self, code_point: int) -> int | None:
        mark = unicodedata.category(chr(code_point)) == "Mn"
        self[code_point] = value = None if mark else code_point
        return value


_WITHOUT_MARKS = _MarkTable()
