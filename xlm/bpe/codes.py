"""Codes files: one merge a line, `left right count`, the rank of a merge is its line.

ranks = read_ranks(Path("codes"))  # {("a", "n"): 0, ...}
"""

from pathlib import Path

from xlm.errors import DataError

Pair = tuple[str, str]

_SHOWN_LETTERS = 80


def read_ranks(path: Path) -> dict[Pair, int]:
    """The rank of every merge.

    Raises:
        DataError: a line has another form or repeats a pair, or there is none.
    """
    ranks: dict[Pair, int] = {}
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                text = line.removesuffix(b"\n").decode()
            except UnicodeDecodeError:
                raise _refusal(path, number, "not UTF-8", line) from None
            fields = text.split(" ")
            if len(fields) != 3 or not all(fields) or not _is_number(fields[2]):
                raise _refusal(path, number, "not `left right count`", line)
            left, right, _ = fields
            if number == 1 and left.startswith("\ufeff"):
                raise _refusal(path, number, "a byte order mark in front", line)
            if ranks.setdefault((left, right), number - 1) != number - 1:
                # The module would give the pair the later rank.
                raise _refusal(path, number, "a pair of an earlier line", line)
    if not ranks:
        raise DataError(f"{path} holds no merge", fix="give a codes file as fastBPE writes it")
    return ranks


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _refusal(path: Path, number: int, what: str, line: bytes) -> DataError:
    shown = line.removesuffix(b"\n").decode(errors="replace")
    return DataError(
        f"{path}, line {number}: {what}: {shown[:_SHOWN_LETTERS]!r}",
        fix="give a codes file as fastBPE writes it",
    )
