"""Runs a model over lines: results are written part by part, in the order of the lines.

    write_results(model, source, parse, compute, title="predict", header="")

Results before an invalid line are written before its error is reported.
"""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from xlm.cli.inference.lines import TextLines
from xlm.cli.progress_lines import ProgressLines
from xlm.cli.text.stream import exit_by_signal, write_output
from xlm.errors import XlmError
from xlm.inference.inputs import truncation_warning
from xlm.inference.model import Model
from xlm.inference.text import Name

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
            numbers: list[int] = []
            error: XlmError | None = part.error
            for number, line in enumerate(part.lines, start=part.first):
                try:
                    item = parse(line, number)
                except XlmError as found:
                    error = found
                    break
                if item is not None:
                    items.append(item)
                    numbers.append(number)
            _write(items, numbers, compute, source)
            if error is not None:
                raise error
            progress.update(part.first + len(part.lines) - 1)
    warn_of_truncation(model)


def warn_of_truncation(model: Model) -> None:
    """Print how many texts were truncated."""
    if model.truncated_texts:
        warning = truncation_warning(model.truncated_texts, model.max_tokens)
        sys.stderr.write(f"xlm: warning: {warning}\n")


def _write(
    items: Sequence[Item], numbers: Sequence[int], compute: Compute[Item], source: TextLines
) -> None:
    """Write the results of items; if one is invalid, those of the items before it."""
    if not items:
        return
    try:
        output = compute(items, source.name_of(numbers))
    except XlmError:
        if len(items) == 1:
            raise
        for item, number in zip(items, numbers, strict=True):
            _write([item], [number], compute, source)
        return
    write_output(output.encode())
