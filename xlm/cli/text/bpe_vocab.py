"""`xlm bpe vocab`: pieces on standard input, `piece count` on standard output."""

from collections import Counter

from xlm.cli.text.filter_oddities import INPUT
from xlm.cli.text.filter_stream import decode_lines, ending_by_signal, read_batches, write_output
from xlm.errors import DataError

_LINES_AT_ONCE = 10_000


def count() -> None:
    """Count the pieces of the text; nothing is written before all of it is read.

    Raises:
        DataError: the text is not UTF-8, or holds no piece.
    """
    from xlm.bpe.counting import count_line_tokens, format_counts

    counts: Counter[str] = Counter()
    with ending_by_signal():
        first = 1
        for batch, _ in read_batches():
            lines, fault = decode_lines(batch, first)
            if fault is not None:
                raise fault
            counts.update(count_line_tokens(lines))
            first += len(lines)
        if not counts:
            raise DataError(f"{INPUT}: no piece to count", fix="give it applied text")
        lines = list(format_counts(counts))
        for start in range(0, len(lines), _LINES_AT_ONCE):
            write_output("".join(lines[start : start + _LINES_AT_ONCE]).encode())
