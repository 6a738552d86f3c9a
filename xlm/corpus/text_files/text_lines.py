"""Reads the lines of a user's text; everything except plain UTF-8 is counted or refused.

    text = open_text(path.open, "train.sw", "sw")
    for line in text.lines():     # bytes, without the line end
        text.decode(line)
    text.require_readable(0.01)

A line ends at "\\n" or "\\r\\n". Any other CR, U+0085 or U+2028 stays inside the line, so that the
lines of a pair stay aligned. A text with CRs but no "\\n" is split at its CRs. UTF-16 and UTF-32
are refused at once, and so is a line of more than `MAX_LINE_BYTES`; other bytes that are not UTF-8
become U+FFFD and are counted.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from xlm.corpus.text_files.encodings import DAMAGED, SAMPLE_BYTES, likely_encoding, wide_encoding
from xlm.errors import DataError

Opener = Callable[[], AbstractContextManager[BinaryIO]]

BYTE_ORDER_MARK = "\ufeff"
MAX_LINE_BYTES = 16 << 20
"""A longer line is not text: its line ends are missing, or it would fill the memory."""
_REPLACEMENT = "\ufffd"
_BLOCK_BYTES = 1 << 20
_SAMPLE_BYTES = 1 << 15
_FEW_RETURNS = 20
"""So many carriage returns inside lines are not yet a sign of mixed line ends."""


@dataclass
class TextFaults:
    """Counts of what is wrong with the lines of one text."""

    lines: int = 0
    not_utf8: int = 0
    with_nul: int = 0
    first_bad_line: int = 0
    returns: int = 0
    """Carriage returns inside lines."""
    sample: bytearray = field(default_factory=bytearray)
    """The first lines that are not UTF-8, to guess their encoding."""

    @property
    def bad(self) -> int:
        """Lines that are not plain UTF-8."""
        return self.not_utf8 + self.with_nul

    def add(self, following: "TextFaults") -> None:
        """Add what is wrong with the lines that follow these."""
        if following.first_bad_line and not self.first_bad_line:
            self.first_bad_line = self.lines + following.first_bad_line
        if len(self.sample) < _SAMPLE_BYTES:
            self.sample += following.sample
        self.lines += following.lines
        self.not_utf8 += following.not_utf8
        self.with_nul += following.with_nul
        self.returns += following.returns


class TextLines:
    """One text; use `open_text` to create it."""

    def __init__(
        self,
        opener: Opener,
        name: str,
        language: str,
        *,
        ends_at_returns: bool,
        is_start: bool = True,
    ) -> None:
        self._opener, self.name, self._language = opener, name, language
        self._is_start = is_start
        self.ends_at_returns = ends_at_returns
        """Whether CR alone ends its lines."""
        self.faults = TextFaults()

    def lines(self) -> Iterator[bytes]:
        """Every line without its line end; nothing follows the last line end.

        Raises:
            DataError: a line is too long.
        """
        with self._opener() as file:
            if self.ends_at_returns:
                found = _split_at_returns(file)
            else:
                found = iter(partial(file.readline, MAX_LINE_BYTES + 1), b"")
            for number, line in enumerate(found, start=1):
                if len(line) > MAX_LINE_BYTES:
                    raise self.too_long(f"line {number:,}")
                # CRLF: the CR is part of the line end, not of the sentence.
                yield line.removesuffix(b"\n").removesuffix(b"\r")

    def decode(self, line: bytes) -> str:
        """Decode the next line and count what is wrong with it."""
        faults = self.faults
        faults.lines += 1
        faults.returns += line.count(b"\r")
        text = line.decode("utf-8", errors="replace")
        not_utf8 = _REPLACEMENT in text and _REPLACEMENT.encode() not in line
        if not_utf8 or "\0" in text:
            faults.not_utf8 += not_utf8
            faults.with_nul += not not_utf8
            faults.first_bad_line = faults.first_bad_line or faults.lines
            if not_utf8 and len(faults.sample) < _SAMPLE_BYTES:
                faults.sample += line[:_SAMPLE_BYTES] + b"\n"
        if faults.lines == 1 and self._is_start:
            return text.removeprefix(BYTE_ORDER_MARK)
        return text

    def too_long(self, line: str) -> DataError:
        """The error for a line of more than `MAX_LINE_BYTES`."""
        return DataError(
            f"{self.name}: {line} has more than {MAX_LINE_BYTES >> 20} MiB",
            fix="end each sentence, paragraph or record with a newline, or remove the line",
        )

    def require_readable(self, max_bad_lines: float) -> None:
        """Check the counts after the last line.

        Raises:
            DataError: more than the share `max_bad_lines` of the lines is not plain UTF-8, or most
                line ends are CRs between a few "\\n".
        """
        faults = self.faults
        if faults.bad > max_bad_lines * faults.lines:
            kind, repair = "text with NUL characters", "remove them (tr -d '\\0')"
            if faults.not_utf8:
                kind = likely_encoding(bytes(faults.sample), self._language)
                repair = f"convert it (iconv -f {kind} -t UTF-8)"
            if kind == DAMAGED:
                repair = "download it again, or drop the bad bytes (iconv -c -f UTF-8 -t UTF-8)"
            raise DataError(
                f"{self.name}: {faults.bad:,} of {faults.lines:,} lines "
                f"({faults.bad / faults.lines:.1%}) are not plain UTF-8 (first: line "
                f"{faults.first_bad_line}); probably {kind}",
                fix=f"{repair}, leave the corpus out, or raise sources.max_bad_lines "
                f"(now {max_bad_lines:g})",
            )
        if faults.returns > _FEW_RETURNS and faults.returns > faults.lines:
            raise DataError(
                f"{self.name}: mixed line endings, {faults.returns:,} CR and {faults.lines:,} LF",
                fix="use LF or CRLF for all lines; otherwise lines would be joined",
            )


def open_text(opener: Opener, name: str, language: str) -> TextLines:
    """Open a text and detect its encoding and line ends.

    Args:
        opener: opens the text at its first byte; it is called twice.
        name: the name of the text in error messages.

    Raises:
        DataError: the text is UTF-16 or UTF-32.
    """
    with opener() as file:
        sample = file.read(SAMPLE_BYTES)
        require_narrow(sample, name)
        return TextLines(opener, name, language, ends_at_returns=_ends_at_returns(sample, file))


def require_narrow(sample: bytes, name: str) -> None:
    """Check the first bytes of a text.

    Raises:
        DataError: the text is UTF-16 or UTF-32.
    """
    if encoding := wide_encoding(sample):
        raise DataError(
            f"{name}: the text is {encoding}, not UTF-8",
            fix=f"convert it: iconv -f {encoding} -t UTF-8",
        )


def _ends_at_returns(block: bytes, file: BinaryIO) -> bool:
    """Whether the text has a CR and no LF; reads up to the first LF, usually within `block`."""
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
        if len(rest) > MAX_LINE_BYTES:
            break
    if rest:
        yield rest
