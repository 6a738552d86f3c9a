"""Lines of a text that a user gives, in whatever state it is: only plain UTF-8 passes silently.

    text = open_text(path.open, "train.sw", "sw")
    for line in text.lines():     # bytes, without their line end
        text.decode(line)
    text.require_readable(0.01)

A line ends at "\\n", a CR before it belongs to the line's end: any other CR, U+0085 or U+2028 stays
inside, so that it shifts no pair. A text that has CRs and no "\\n" at all is read at its CRs.
UTF-16 and UTF-32 are refused at once; other bytes that are not UTF-8 become U+FFFD and are counted.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import BinaryIO

from xlm.corpus.text_files.encodings import DAMAGED, SAMPLE_BYTES, likely_encoding, wide_encoding
from xlm.errors import DataError

Opener = Callable[[], AbstractContextManager[BinaryIO]]

BYTE_ORDER_MARK = "\ufeff"
_REPLACEMENT = "\ufffd"
_BLOCK_BYTES = 1 << 20
_KEPT_BYTES = 1 << 15
_FEW_RETURNS = 20
"""Carriage returns inside of lines that are no sign of mixed line ends, whatever their share."""


@dataclass
class TextFaults:
    """What was found in the lines of one text."""

    lines: int = 0
    not_utf8: int = 0
    with_nul: int = 0
    first_bad_line: int = 0
    returns: int = 0
    """Carriage returns inside of lines."""
    sample: bytearray = field(default_factory=bytearray)
    """The beginning of the lines that are not UTF-8."""

    @property
    def bad(self) -> int:
        """Lines that are not plain text in UTF-8."""
        return self.not_utf8 + self.with_nul


class TextLines:
    """One text; made by `open_text`."""

    def __init__(self, opener: Opener, name: str, language: str, *, ends_at_returns: bool) -> None:
        self._opener, self.name, self._language = opener, name, language
        self.ends_at_returns = ends_at_returns
        """Whether its lines end at CR alone."""
        self.faults = TextFaults()

    def lines(self) -> Iterator[bytes]:
        """Every line without its end; an empty one after the last line end is none."""
        with self._opener() as file:
            if self.ends_at_returns:
                yield from _split_at_returns(file)
                return
            for line in file:
                # CRLF: the CR belongs to the line's end, not to the sentence.
                yield line.removesuffix(b"\n").removesuffix(b"\r")

    def decode(self, line: bytes) -> str:
        """The next line as text; what is wrong with it is counted."""
        faults = self.faults
        faults.lines += 1
        faults.returns += line.count(b"\r")
        text = line.decode("utf-8", errors="replace")
        broken = _REPLACEMENT in text and _REPLACEMENT.encode() not in line
        if broken or "\0" in text:
            faults.not_utf8 += broken
            faults.with_nul += not broken
            faults.first_bad_line = faults.first_bad_line or faults.lines
            if broken and len(faults.sample) < _KEPT_BYTES:
                faults.sample += line[:_KEPT_BYTES] + b"\n"
        return text.removeprefix(BYTE_ORDER_MARK) if faults.lines == 1 else text

    def require_readable(self, most_bad_lines: float) -> None:
        """Refuse a text after its last line.

        Raises:
            DataError: more than this share of its lines is not plain UTF-8, or most of its line
                ends are CRs between a few "\\n".
        """
        faults = self.faults
        if faults.bad > most_bad_lines * faults.lines:
            kind, mend = "text with NUL characters", "remove them (tr -d '\\0')"
            if faults.not_utf8:
                kind = likely_encoding(bytes(faults.sample), self._language)
                mend = f"convert it (iconv -f {kind} -t UTF-8)"
            if kind == DAMAGED:
                mend = "get it again, or drop its bad bytes (iconv -c -f UTF-8 -t UTF-8)"
            raise DataError(
                f"{self.name}: {faults.bad:,} of {faults.lines:,} lines "
                f"({faults.bad / faults.lines:.1%}) are not plain UTF-8, the first is line "
                f"{faults.first_bad_line}; probably {kind}",
                fix=f"{mend}, leave the corpus out, or raise sources.max_bad_lines "
                f"(now {most_bad_lines:g})",
            )
        if faults.returns > _FEW_RETURNS and faults.returns > faults.lines:
            raise DataError(
                f"{self.name}: mixed line ends, {faults.returns:,} CR and {faults.lines:,} LF",
                fix="give every line the same end, LF or CRLF: lines would be joined",
            )


def open_text(opener: Opener, name: str, language: str) -> TextLines:
    """A text, its encoding and line ends looked at.

    Args:
        opener: opens the text at its first byte; it is opened twice.
        name: what to call it in errors.

    Raises:
        DataError: it is UTF-16 or UTF-32.
    """
    with opener() as file:
        sample = file.read(SAMPLE_BYTES)
        require_narrow(sample, name)
        return TextLines(opener, name, language, ends_at_returns=_ends_at_returns(sample, file))


def require_narrow(sample: bytes, name: str) -> None:
    """Refuse a text by its first bytes.

    Raises:
        DataError: it is UTF-16 or UTF-32.
    """
    if encoding := wide_encoding(sample):
        raise DataError(
            f"{name}: the text is {encoding}, not UTF-8",
            fix=f"convert it: iconv -f {encoding} -t UTF-8",
        )


def _ends_at_returns(block: bytes, file: BinaryIO) -> bool:
    """Whether there is a CR and no LF; reads on to the first LF, in most texts within `block`."""
    has_return = False
    while block:
        if b"\n" in block:
            return False
        has_return = has_return or b"\r" in block
        block = file.read(_BLOCK_BYTES)
    return has_return


def _split_at_returns(file: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while block := file.read(_BLOCK_BYTES):
        *lines, rest = (rest + block).split(b"\r")
        yield from lines
    if rest:
        yield rest
