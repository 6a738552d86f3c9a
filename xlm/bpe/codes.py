"""Codes files: one merge a line, the rank of a merge is its line.

    ranks = read_ranks(Path("codes"))   # {("a", "n"): 0, ...}; fastBPE: `left right count`
    codes = read_codes(Path("bpe.ref")) # subword-nmt's files too: `left right`

subword-nmt writes a header `#version: 0.2`; a file without one is of its version 0.1, in which the
end of a word is a symbol of its own and not a part of the last character.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xlm.errors import DataError

Pair = tuple[str, str]

_SHOWN_LETTERS = 80
_LONGEST_COUNT = 19
"""Digits: what fits into 64 bits."""
_HEADER = b"#version:"
_FIX = "give a codes file as fastBPE writes it"


@dataclass(frozen=True)
class Codes:
    """The merges of a file."""

    ranks: dict[Pair, int]
    counted: bool
    """Whether its lines have counts: then it is a file of fastBPE."""
    end_apart: bool = False
    """Whether the end of a word is a symbol of its own."""


def read_ranks(path: Path) -> dict[Pair, int]:
    """The rank of every merge of a file of fastBPE.

    Raises:
        DataError: a line has another form or repeats a pair, or there is none.
    """
    codes = read_codes(path)
    if not codes.counted:
        raise DataError(
            f"{path} has lines of two fields, as a codes file of subword-nmt has, "
            "not `left right count`",
            fix=f"{_FIX}; `xlm bpe apply` and `xlm encode` read both",
        )
    return codes.ranks


def read_codes(path: Path) -> Codes:
    """The merges of a file of fastBPE or of subword-nmt.

    Raises:
        DataError: a line has another form or repeats a pair, the header names an unknown version,
            or there is no merge.
    """
    ranks: dict[Pair, int] = {}
    version, fields_wanted = None, 0
    for number, line, text in _decoded(path):
        if number == 1 and line.startswith(_HEADER):
            version = text.removeprefix("#version:").strip()
            if version not in ("0.1", "0.2"):
                raise _refusal(path, number, "subword-nmt's version is neither 0.1 nor 0.2", line)
            fields_wanted = 2
            continue
        fields = (text.rstrip("\r") if version else text).split(" ")
        fields_wanted = fields_wanted or (2 if len(fields) == 2 else 3)
        counted = fields_wanted == 3
        whole = len(fields) == fields_wanted and all(fields)
        if not whole or (counted and not _is_number(fields[2])):
            form = "`left right count`" if counted else "`left right`"
            raise _refusal(path, number, f"not {form}", line)
        left, right = fields[:2]
        if number == 1 and left.startswith("\ufeff"):
            raise _refusal(path, number, "a byte order mark in front", line)
        rank = len(ranks)
        if ranks.setdefault((left, right), rank) != rank:
            # The module would give the pair the later rank.
            raise _refusal(path, number, "a pair of an earlier line", line)
    if not ranks:
        raise DataError(f"{path} holds no merge", fix=_FIX)
    counted = fields_wanted == 3
    if not counted and not version and all(_is_number(right) for _, right in ranks):
        # A vocabulary has two fields a line too, and no header.
        _, line, _ = next(_decoded(path))
        raise _refusal(path, 1, "not `left right count`", line)
    return Codes(ranks, counted, end_apart=not counted and version != "0.2")


def _decoded(path: Path) -> Iterator[tuple[int, bytes, str]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield number, line, line.removesuffix(b"\n").decode()
            except UnicodeDecodeError:
                raise _refusal(path, number, "not UTF-8", line) from None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_COUNT


def _refusal(path: Path, number: int, what: str, line: bytes) -> DataError:
    shown = line[:400].removesuffix(b"\n").decode(errors="replace")
    return DataError(f"{path}, line {number}: {what}: {shown[:_SHOWN_LETTERS]!r}", fix=_FIX)
