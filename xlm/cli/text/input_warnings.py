"""Warnings about the text on standard input, counted while it is read.

checks = InputWarnings()
checks.add(b"one\\rtwo\\r")
checks.warnings()  # ["2 carriage returns in 1 lines: ..."]
"""

INPUT = "standard input"

_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_FEW_RETURNS = 20
_UNKNOWN = b"3"


class InputWarnings:
    """Counts unusual characters over all batches of lines."""

    def __init__(self) -> None:
        self._lines = self._returns = self._nuls = 0

    def add(self, batch: bytes) -> None:
        """Count the next batch.

        Raises:
            DataError: the first batch is UTF-16 or UTF-32.
        """
        if not self._lines and (b"\0" in batch or batch.startswith(_WIDE_MARKS)):
            from xlm.corpus.text_files.encodings import SAMPLE_BYTES
            from xlm.corpus.text_files.text_lines import require_narrow

            require_narrow(batch[:SAMPLE_BYTES], INPUT)
        self._lines += batch.count(b"\n")
        self._returns += batch.count(b"\r") - batch.count(b"\r\n")
        self._nuls += batch.count(b"\0")

    def warnings(self) -> list[str]:
        """One line for each problem."""
        found = []
        if self._returns and (self._lines == 1 or self._returns > max(self._lines, _FEW_RETURNS)):
            found.append(
                f"{self._returns:,} carriage returns in {self._lines:,} lines: only \\n ends a "
                "line; if they end lines, use tr '\\r' '\\n' first"
            )
        if self._nuls:
            found.append(f"{self._nuls:,} NUL characters in {self._lines:,} lines")
        return found


class UnknownShare:
    """Counts how many of the written ids are that of the unknown token."""

    def __init__(self) -> None:
        self._tokens = self._unknown = 0

    def add(self, output: bytes) -> None:
        """Count the next lines of ids."""
        ids = output.split()
        self._tokens += len(ids)
        self._unknown += ids.count(_UNKNOWN)

    def warnings(self) -> list[str]:
        """One line if more than 5 % are unknown."""
        from xlm.bpe.counting import unknown_tokens_warning

        warning = unknown_tokens_warning(INPUT, self._unknown, self._tokens)
        return [warning] if warning else []
