"""Codes files: one merge a line, the rank of a merge is its line.

    ranks = read_merge_ranks(Path("codes"))   # {("a", "n"): 0, ...}; fastBPE: `left right count`
    codes = read_merges(Path("bpe.ref")) # subword-nmt's files too: `left right`

subword-nmt writes a header `#version: 0.2`; a file without one is of its version 0.1, in which the
end of a word is a symbol of its own and not a part of the last character.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xlm.errors import DataError

Merge = tuple[str, str]

_SHOWN_LETTERS = 80
_LONGEST_COUNT = 19
"""Digits: what fits into 64 bits."""
_HEADER = b"#version"
_FASTBPE = "`left right count`"
_SUBWORD_NMT = "`left right`"
_FIX_FASTBPE = f"give a codes file of fastBPE, with {_FASTBPE} on each line"
_FIX = (
    f"give a codes file of fastBPE, with {_FASTBPE} on each line, or of subword-nmt, with "
    f"`#version: 0.2` and then {_SUBWORD_NMT} on each line"
)
_FIX_RETURNS = "remove the carriage returns: tr -d '\\r' < FILE > NEW"


@dataclass(frozen=True)
class Merges:
    """The merges of a file."""

    ranks: dict[Merge, int]
    counted: bool
    """Whether its lines have counts: then it is a file of fastBPE."""
    end_apart: bool = False
    """Whether the end of a word is a symbol of its own."""


def read_merge_ranks(path: Path) -> dict[Merge, int]:
    """The rank of every merge of a file of fastBPE.

    Raises:
        DataError: a line has another form or repeats a pair, or there is none.
    """
    try:
        codes = read_merges(path)
    except DataError as error:
        raise DataError(error.what, fix=_FIX_FASTBPE if error.fix == _FIX else error.fix) from None
    if not codes.counted:
        raise DataError(
            f"{path} has lines of two fields, as a codes file of subword-nmt has, not {_FASTBPE}",
            fix=f"{_FIX_FASTBPE}; `xlm bpe apply` and `xlm encode` read both",
        )
    return codes.ranks


def read_merges(path: Path) -> Merges:
    """The merges of a file of fastBPE or of subword-nmt.

    Raises:
        DataError: a line has another form or repeats a pair, the header names an unknown version,
            or there is no merge.
    """
    ranks: dict[Merge, int] = {}
    version, fields_wanted = None, 0
    for number, line, text in _decoded(path):
        if number == 1 and text.startswith("\ufeff"):
            fix = "save it as UTF-8 without a byte order mark"
            raise _refusal(path, number, "a byte order mark in front", line, fix)
        if number == 1 and line.startswith(_HEADER):
            version, fields_wanted = _version(path, line, text), 2
            continue
        fields = text.split(" ")
        fields_wanted = fields_wanted or len(fields)
        if fields_wanted == 2:
            # subword-nmt takes CR LF too; in a file of fastBPE, CR is a character of a word.
            fields = text.rstrip("\r").split(" ")
        if not _is_merge(fields, fields_wanted):
            form = _SUBWORD_NMT if fields_wanted == 2 else _FASTBPE
            fix = _FIX_RETURNS if text.endswith("\r") else _FIX
            raise _refusal(path, number, f"not {form}", line, fix)
        left, right = fields[:2]
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
        raise _refusal(path, 1, f"not {_FASTBPE}, but a token and its count", line)
    return Merges(ranks, counted, end_apart=not counted and version != "0.2")


def _version(path: Path, line: bytes, text: str) -> str:
    version = text.removeprefix("#version").removeprefix(":").strip()
    if "\r" in version:
        fix = "make them line feeds: tr '\\r' '\\n' < FILE > NEW"
        raise _refusal(path, 1, "lines that end in a carriage return alone", line, fix)
    if version not in ("0.1", "0.2"):
        raise _refusal(path, 1, "the version of subword-nmt is neither 0.1 nor 0.2", line)
    return version


def _is_merge(fields: list[str], fields_wanted: int) -> bool:
    if len(fields) != fields_wanted or not all(fields):
        return False
    return fields_wanted == 2 or (fields_wanted == 3 and _is_number(fields[2]))


def _decoded(path: Path) -> Iterator[tuple[int, bytes, str]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield number, line, line.removesuffix(b"\n").decode()
            except UnicodeDecodeError:
                raise _refusal(path, number, "not UTF-8", line) from None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_COUNT


def _refusal(path: Path, number: int, what: str, line: bytes, fix: str = _FIX) -> DataError:
    shown = line[:400].removesuffix(b"\n").decode(errors="replace")
    return DataError(f"{path}, line {number}: {what}: {shown[:_SHOWN_LETTERS]!r}", fix=fix)
