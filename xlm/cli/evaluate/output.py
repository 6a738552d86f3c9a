"""How `xlm evaluate` shows results: tables or JSON, and `results.json` in a folder."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from xlm.cli.evaluate.options import Options
from xlm.cli.inference.results import warn_of_truncation
from xlm.cli.output import show, terminal_width
from xlm.display.text_table import text_table
from xlm.inference.model import Model
from xlm.store.disk.filesystem import write_atomically

RESULTS_FILE = "results.json"


def report(
    options: Options,
    model: Model,
    results: Mapping[str, Any],
    tables: Sequence[tuple[str, Sequence[str], Sequence[Sequence[str]]]],
    notes: Sequence[str] = (),
) -> None:
    """Print results, and write them to the folder of `--output`.

    Args:
        options: the options of the command.
        model: the measured model.
        results: the results as JSON values.
        tables: title, header and rows of each table.
        notes: lines after the tables.
    """
    warn_of_truncation(model)
    document = {"model": str(model.path), "task": options.task, **results}
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
        write_atomically(options.output / RESULTS_FILE, f"{text}\n".encode())
    if options.as_json:
        show(text)
        return
    parts = [
        f"{title}\n{text_table(header, rows, width=terminal_width())}"
        for title, header, rows in tables
    ]
    show("\n\n".join([*parts, *notes]))
