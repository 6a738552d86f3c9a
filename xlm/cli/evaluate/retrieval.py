"""`xlm evaluate --task retrieval`: is the nearest sentence the translation?"""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path

import numpy as np

from xlm.cli.evaluate.options import Options
from xlm.cli.evaluate.output import report
from xlm.cli.inference.lines import TextLines
from xlm.cli.progress_lines import ProgressLines
from xlm.config.data.tasks import file_format
from xlm.config.languages.pairs import ENGLISH
from xlm.corpus.tables.jsonl import JsonlTable
from xlm.corpus.tables.table import Columns
from xlm.display.markdown import format_percent
from xlm.errors import ConfigError, DataError
from xlm.evaluation.retrieval import PairRetrieval, Precision, retrieval_of_pairs
from xlm.inference.compute import Pooling
from xlm.inference.model import Model
from xlm.inference.text import Ids
from xlm.shards.lines import Lines, Pairs

Row = tuple[int, str, str]
"""Line number, and a sentence in each language."""
_PART_ROWS = 1024


def prepare_retrieval(options: Options) -> Callable[[Model], None]:
    """Read the pairs.

    Raises:
        ConfigError: a file cannot be read.
        DataError: a line is not UTF-8 or has the wrong columns, or the files have different
            numbers of lines.
    """
    if sum(path.is_fifo() for path in options.files) > 1:
        raise ConfigError("two pipes cannot be read", fix="pass the paths of files")
    sources = [TextLines.of(path) for path in options.files or (None,)]
    if len(options.files) == 1 and file_format(options.files[0]) == "jsonl":
        rows = list(_from_json_lines(options.files[0], options.languages))
    else:
        rows = list((_from_table if len(sources) == 1 else _from_texts)(sources, options.languages))
    if not rows:
        raise DataError(f"{sources[0].name} has no pairs", fix="write a pair a line")
    return lambda model: _measure(model, rows, sources, options)


def _from_table(sources: list[TextLines], languages: tuple[str, ...]) -> Iterator[Row]:
    """The pairs of a table; a first line with the codes of the languages names its columns."""
    (source,) = sources
    places, width = [0, 1], 2
    for number, line in _lines(source):
        fields = line.split("\t")
        if number == 1 and all(code in fields for code in languages):
            places, width = [fields.index(code) for code in languages], len(fields)
            continue
        if len(fields) != width:
            raise DataError(
                f"{source.where(number)} has {len(fields)} field{'s' * (len(fields) != 1)}, "
                f"not {width}",
                fix=f"write a sentence in {languages[0]}, a tab and its translation to "
                f"{languages[1]}, or name the columns in the first line",
            )
        first, second = (fields[place] for place in places)
        if first.strip() and second.strip():
            yield number, first, second


def _from_json_lines(path: Path, languages: tuple[str, ...]) -> Iterator[Row]:
    """The pairs of objects with a field for each language, or Hugging Face's `translation`."""
    names = tuple((code, f"translation.{code}") for code in languages)
    fix = f"use objects with the fields {' and '.join(languages)}"
    table = JsonlTable(path, Columns(names, strict=True, fix=fix), ENGLISH)
    for first, second in table.rows():
        table.require_plain()
        if first.strip() and second.strip():
            yield table.number, first, second


def _from_texts(sources: list[TextLines], languages: tuple[str, ...]) -> Iterator[Row]:
    """The pairs of two texts; line i of one translates line i of the other."""
    first, second = (_lines(source) for source in sources)
    for one, other in zip_longest(first, second):
        if one is None or other is None:
            shorter = sources[0] if one is None else sources[1]
            raise DataError(
                f"{shorter.name} has fewer lines than {sources[one is None].name}",
                fix="line i of one file has to translate line i of the other",
            )
        if one[1].strip() and other[1].strip():
            yield one[0], one[1], other[1]


def _lines(source: TextLines) -> Iterator[tuple[int, str]]:
    for part in source.parts():
        yield from enumerate(part.lines, start=part.first)
        if part.error is not None:
            raise part.error


def _measure(model: Model, rows: list[Row], sources: list[TextLines], options: Options) -> None:
    languages = (options.languages[0], options.languages[1])
    for code in languages:
        model.require_language(code)
    pooling: Pooling = "first" if options.pooling == "first" else "mean"
    layer = -1 if options.layer is None else options.layer
    model.require_vectors(pooling, layer)
    first, second = (
        _encode(model, rows, side, code, sources[side % len(sources)])
        for side, code in enumerate(languages)
    )
    with ProgressLines("evaluate", "sentences") as progress:
        found = retrieval_of_pairs(
            model,
            Pairs(languages, first, second),
            pooling=pooling,
            layer=layer,
            limit=options.limit,
            progress=progress.update,
        )
    _report(options, model, found, pooling, layer)


def _encode(model: Model, rows: list[Row], side: int, code: str, source: TextLines) -> Lines:
    ids: list[Ids] = []
    for begin in range(0, len(rows), _PART_ROWS):
        part = rows[begin : begin + _PART_ROWS]
        name = source.name_of([number for number, _, _ in part])
        ids += model.encode(
            [(first, second)[side] for _, first, second in part], language=code, name=name
        )
    return Lines.of(ids)


def _report(options: Options, model: Model, found: PairRetrieval, pooling: str, layer: int) -> None:
    first, second = found.languages
    rows = [
        (f"{one} to {other}", *_cells(found.centred[way]), *_cells(found.raw[way]))
        for way, (one, other) in enumerate([(first, second), (second, first)])
    ]
    mean = [
        format_percent(float(np.mean([one.precision for one in both])))
        for both in (found.centred, found.raw)
    ]
    mean_row = ("mean", mean[0], "", mean[1], "")
    report(
        options,
        model,
        {**asdict(found), "pooling": pooling, "layer": layer, "confidence": 0.95},
        [
            (
                "The nearest sentence is the translation (P@1), in per cent",
                ("direction", "P@1", "95 % interval", "raw", "95 % interval"),
                [*rows, mean_row],
            )
        ],
        [
            f"{found.pairs:,} pairs"
            + (f"; {found.left_out:,} left out, repeated or too long" if found.left_out else "")
            + ". P@1 is after subtracting the mean of each language, raw is without."
        ],
    )


def _cells(precision: Precision) -> tuple[str, str]:
    return (
        format_percent(precision.precision),
        f"{format_percent(precision.low)} to {format_percent(precision.high)}",
    )
