"""Runs a model over lines or rows: results are written part by part, in their order.

    write_results(model, source, parse, compute, title="predict", header="")
    write_row_results(model, read_rows, compute, title="predict", header="")

Results before an invalid line are written before its error is reported.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

from xlm.cli.inference.lines import TextLines
from xlm.cli.progress_lines import ProgressLines
from xlm.cli.text.stream import exit_by_signal, write_output
from xlm.errors import XlmError
from xlm.inference.inputs import truncation_warning
from xlm.inference.model import Model
from xlm.inference.text import Name

_PART_ROWS = 1024
Item = TypeVar("Item")
Parse = Callable[[str, int], Item | None]
"""A line and its number; None: the line is a header."""
Compute = Callable[[Sequence[Item], Name], str]
"""The output of some items, which errors name by their index."""


def write_results(
    model: Model,
    source: TextLines,
    parse: Parse[Item],
    compute: Compute[Item],
    *,
    title: str,
    header: str,
) -> None:
    """Compute the results of all lines and write them to standard output, after a header.

    Raises:
        XlmError: a line is invalid.
    """
    total = source.check(parse)
    with exit_by_signal(), ProgressLines(title, "lines", total=total) as progress:
        if header:
            write_output(f"{header}\n".encode())
        for part in source.parts():
            items: list[Item] = []
            places: list[str] = []
            error: XlmError | None = part.error
            for number, line in enumerate(part.lines, start=part.first):
                try:
                    item = parse(line, number)
                except XlmError as found:
                    error = found
                    break
                if item is not None:
                    items.append(item)
                    places.append(source.where(number))
            _write(items, places, compute)
            if error is not None:
                raise error
            progress.update(part.first + len(part.lines) - 1)
    warn_of_truncation(model)


def write_row_results(
    model: Model,
    read_rows: Callable[[], Iterable[tuple[str, Item]]],
    compute: Compute[Item],
    *,
    title: str,
    header: str,
) -> None:
    """Compute the results of the rows of a table, which is read once before to find its errors.

    Args:
        read_rows: yields where each row is, for errors, and the row.

    Raises:
        XlmError: a row is invalid.
    """
    total = sum(1 for _ in read_rows())
    with exit_by_signal(), ProgressLines(title, "rows", total=total) as progress:
        if header:
            write_output(f"{header}\n".encode())
        rows, done = iter(read_rows()), 0
        while part := list(islice(rows, _PART_ROWS)):
            _write([row for _, row in part], [place for place, _ in part], compute)
            done += len(part)
            progress.update(done)
    warn_of_truncation(model)


def warn_of_truncation(model: Model) -> None:
    """Print how many texts were truncated."""
    if model.truncated_texts:
        warning = truncation_warning(model.truncated_texts, model.max_tokens)
        sys.stderr.write(f"xlm: warning: {warning}\n")


def _write(items: Sequence[Item], places: Sequence[str], compute: Compute[Item]) -> None:
    """Write the results of items; if one is invalid, those of the items before it."""
    if not items:
        return
    try:
        output = compute(items, places.__getitem__)
    except XlmError:
        if len(items) == 1:
            raise
        for item, place in zip(items, places, strict=True):
            _write([item], [place], compute)
        return
    write_output(output.encode())
