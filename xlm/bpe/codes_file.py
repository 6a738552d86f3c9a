"""Read codes files: one merge per line; the rank of a merge is its line.

    ranks = read_merge_ranks(Path("codes"))  # fastBPE, `left right count`: {("a", "n"): 0, ...}
    merges = read_merges(Path("bpe.ref"))  # fastBPE or subword-nmt, `left right`

subword-nmt writes the header `#version: 0.2`. A file without a header has its version 0.1, in which
the end of a word is a separate symbol and not part of the last character. transformers saves the
merges of fastBPE without counts and without a header; there, the end is part of the last character.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xlm.errors import DataError

Merge = tuple[str, str]

_SHOWN_CHARACTERS = 80
_MAX_COUNT_DIGITS = 19
"""Such a count fits into 64 bits."""
_HEADER = b"#version"
_WORD_END = "</w>"
_FASTBPE = "`left right count`"
_SUBWORD_NMT = "`left right`"
_FIX_FASTBPE = f"use a codes file of fastBPE, with {_FASTBPE} on each line"
_FIX = (
    f"use a codes file of fastBPE, with {_FASTBPE} on each line, or of subword-nmt, with "
    f"`#version: 0.2` and then {_SUBWORD_NMT} on each line"
)
_FIX_CARRIAGE_RETURNS = "remove the carriage returns: tr -d '\\r' < FILE > NEW"


@dataclass(frozen=True)
class Merges:
    """The BPE merges of a codes file."""

    ranks: dict[Merge, int]
    """Rank by merge, from 0."""
    counted: bool
    """Whether the lines have counts, as fastBPE writes them."""
    separate_end: bool = False
    """Whether the end of a word is a separate symbol."""


def read_merge_ranks(path: Path) -> dict[Merge, int]:
    """Read the rank of each merge from a codes file of fastBPE.

    Raises:
        DataError: a line is malformed or repeats a pair, or the file has no merge.
    """
    try:
        merges = read_merges(path)
    except DataError as error:
        raise DataError(error.what, fix=_FIX_FASTBPE if error.fix == _FIX else error.fix) from None
    if not merges.counted:
        raise DataError(
            f"{path} is a codes file of subword-nmt: its lines have two fields, not {_FASTBPE}",
            fix=f"{_FIX_FASTBPE}; `xlm bpe apply` and `xlm encode` read both",
        )
    return merges.ranks


def read_merges(path: Path) -> Merges:
    """Read the merges from a codes file of fastBPE or subword-nmt.

    Raises:
        DataError: a line is malformed or repeats a pair, the header has an unknown version, or the
            file has no merge.
    """
    ranks: dict[Merge, int] = {}
    version, num_fields = None, 0
    for number, line, text in _decoded(path):
        if number == 1 and text.startswith("\ufeff"):
            fix = "save it as UTF-8 without a byte order mark"
            raise _refusal(path, number, "starts with a byte order mark", line, fix)
        if number == 1 and line.startswith(_HEADER):
            version, num_fields = _version(path, line, text), 2
            continue
        fields = text.split(" ")
        num_fields = num_fields or len(fields)
        if num_fields == 2:
            # subword-nmt accepts CR LF. In a file of fastBPE, CR is a character of a word.
            fields = text.rstrip("\r").split(" ")
        if not _is_merge(fields, num_fields):
            form = _SUBWORD_NMT if num_fields == 2 else _FASTBPE
            fix = _FIX_CARRIAGE_RETURNS if text.endswith("\r") else _FIX
            raise _refusal(path, number, f"not {form}", line, fix)
        left, right = fields[:2]
        rank = len(ranks)
        if ranks.setdefault((left, right), rank) != rank:
            # The module would use the later rank.
            raise _refusal(path, number, "repeats the pair of an earlier line", line)
    if not ranks:
        raise DataError(f"{path} contains no merges", fix=_FIX)
    counted = num_fields == 3
    if not counted and not version and all(_is_number(right) for _, right in ranks):
        # A vocabulary also has two fields per line, and no header.
        _, line, _ = next(_decoded(path))
        raise _refusal(path, 1, f"not {_FASTBPE} but a token and its count", line)
    separate_end = version == "0.1" or not (counted or version or _has_joined_ends(ranks))
    return Merges(ranks, counted, separate_end=separate_end)


def _has_joined_ends(ranks: Iterable[Merge]) -> bool:
    """Whether words end in symbols such as `n</w>` that no merge with `</w>` alone produced."""
    symbols = {symbol for merge in ranks for symbol in merge}
    return _WORD_END not in symbols and any(symbol.endswith(_WORD_END) for symbol in symbols)


def _version(path: Path, line: bytes, text: str) -> str:
    version = text.removeprefix("#version").removeprefix(":").strip()
    if "\r" in version:
        fix = "convert them to line feeds: tr '\\r' '\\n' < FILE > NEW"
        raise _refusal(path, 1, "lines end in a carriage return alone", line, fix)
    if version not in ("0.1", "0.2"):
        raise _refusal(path, 1, "unknown version of subword-nmt, not 0.1 or 0.2", line)
    return version


def _is_merge(fields: list[str], num_fields: int) -> bool:
    if len(fields) != num_fields or not all(fields):
        return False
    return num_fields == 2 or (num_fields == 3 and _is_number(fields[2]))


def _decoded(path: Path) -> Iterator[tuple[int, bytes, str]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield number, line, line.removesuffix(b"\n").decode()
            except UnicodeDecodeError:
                raise _refusal(path, number, "not UTF-8", line) from None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_COUNT_DIGITS


def _refusal(path: Path, number: int, what: str, line: bytes, fix: str = _FIX) -> DataError:
    shown = line[:400].removesuffix(b"\n").decode(errors="replace")
    return DataError(f"{path}, line {number}: {what}: {shown[:_SHOWN_CHARACTERS]!r}", fix=fix)
