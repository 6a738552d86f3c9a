"""`xlm bpe vocab`: subwords on standard input, `subword count` on standard output."""

from collections import Counter

from xlm.cli.text.input_warnings import INPUT
from xlm.cli.text.stream import decode_lines, exit_by_signal, read_batches, write_output
from xlm.errors import DataError

_LINES_AT_ONCE = 10_000


def count() -> None:
    """Count the subwords of the text; nothing is written before all of it is read.

    Raises:
        DataError: the text is not UTF-8, or has no subword.
    """
    from xlm.bpe.counting import count_line_tokens, format_counts

    counts: Counter[str] = Counter()
    with exit_by_signal():
        first = 1
        for batch, _ in read_batches():
            lines, fault = decode_lines(batch, first)
            if fault is not None:
                raise fault
            counts.update(count_line_tokens(lines))
            first += len(lines)
        if not counts:
            raise DataError(
                f"{INPUT}: no subwords to count", fix="pass the output of `xlm bpe apply`"
            )
        lines = list(format_counts(counts))
        for start in range(0, len(lines), _LINES_AT_ONCE):
            write_output("".join(lines[start : start + _LINES_AT_ONCE]).encode())
