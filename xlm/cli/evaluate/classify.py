"""`xlm evaluate --task classify`: accuracy and macro-F1 on the labelled rows of a file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlm.cli.evaluate.options import Options
from xlm.cli.evaluate.rows import measure_rows, require_labels
from xlm.cli.inference.rows import (
    HYPOTHESIS_NAMES,
    LANGUAGE_NAMES,
    PREMISE_NAMES,
    TEXT_NAMES,
)
from xlm.config.data.tasks import LABELLED_FORMATS, file_format
from xlm.config.languages.pairs import ENGLISH
from xlm.corpus.labelled.rows import LabelledRow, row_of
from xlm.corpus.labelled.tables import column_names, open_labelled
from xlm.corpus.tables.table import either
from xlm.errors import ConfigError, DataError
from xlm.evaluation.classification import LabelledRows
from xlm.inference.model import Model

_LABEL = ("label", "gold_label")


@dataclass(frozen=True)
class _Columns:
    """The columns of a file that are read."""

    sentences: tuple[str, ...]
    label: str
    language: str | None
    """None: the rows are in the language of --lang."""


def prepare_classify(options: Options) -> Callable[[Model], None]:
    """Read the rows.

    Raises:
        ConfigError: there is no file, its format is unknown, or the language is not known.
        DataError: the file is damaged, or a column or value is missing.
    """
    formats = f".{', .'.join(LABELLED_FORMATS)}"
    if not options.files:
        raise ConfigError("--task classify needs a file", fix=f"pass one in {formats}")
    path = options.files[0]
    if file_format(path) not in LABELLED_FORMATS:
        raise ConfigError(f"{path} has an unknown format", fix=f"use one of {formats}")
    columns = _columns(path, options)
    rows = _read(path, columns, options)
    return lambda model: _measure(model, path, columns, rows, options)


def _columns(path: Path, options: Options) -> _Columns:
    names = column_names(path, ENGLISH)
    language = next((name for name in LANGUAGE_NAMES if name in names), None)
    if language is None and len(options.languages) != 1:
        given = f"--lang has {len(options.languages)} codes" if options.languages else "no --lang"
        raise ConfigError(
            f"{path} has no column `language`, and {given}",
            fix="pass --lang with one code, or add the column",
        )

    def column(given: str | None, known: Sequence[str], what: str, fix: str = "") -> str:
        if given is None and any(name in names for name in known):
            return next(name for name in known if name in names)
        if given not in names:
            raise DataError(
                f"{path} has no column {either([given] if given else known)}; it has "
                f"{', '.join(names)[:300]}",
                fix=fix or f"name the column of the {what} with --{what}",
            )
        return given

    single = options.text or next((name for name in TEXT_NAMES if name in names), None)
    if single is not None and not options.premise:
        sentences: tuple[str, ...] = (column(options.text, TEXT_NAMES, "text"),)
    elif options.premise is None and not any(name in names for name in PREMISE_NAMES):
        fix = "name the column with --text, or those of pairs with --premise and --hypothesis"
        column(None, [*TEXT_NAMES, *PREMISE_NAMES], "text", fix)
    else:
        sentences = (
            column(options.premise, PREMISE_NAMES, "premise"),
            column(options.hypothesis, HYPOTHESIS_NAMES, "hypothesis"),
        )
    return _Columns(sentences, column(options.label, _LABEL, "label"), language)


def _read(path: Path, columns: _Columns, options: Options) -> dict[str, list[LabelledRow]]:
    """The rows by language.

    Raises:
        DataError: a value is missing or damaged, or there are no rows.
    """
    found: dict[str, list[LabelledRow]] = {code: [] for code in options.languages}
    for code, row in _rows(path, columns, options):
        if options.languages and code not in options.languages:
            continue
        rows = found.setdefault(code, [])
        if len(rows) == options.limit:
            continue
        if row.is_empty:
            raise DataError(
                f"{row.where}: an empty sentence", fix="remove the row, or add the sentence"
            )
        rows.append(row)
    for code, rows in found.items():
        if not rows:
            raise DataError(f"{path} has no rows in {code[:40]!r}", fix="correct --lang")
    if not found:
        raise DataError(f"{path} has no rows", fix="add rows below the names of the columns")
    return found


def _rows(path: Path, columns: _Columns, options: Options) -> Iterator[tuple[str, LabelledRow]]:
    names = [*columns.sentences, columns.label]
    if columns.language is None:
        for where, values in open_labelled(path, names, ENGLISH).strict_rows():
            yield options.languages[0], row_of(where, values)
        return
    table = open_labelled(path, [*names, columns.language], ENGLISH)
    for where, values in table.strict_rows():
        yield values[-1].strip(), row_of(where, values[:-1])


def _measure(
    model: Model,
    path: Path,
    columns: _Columns,
    rows: dict[str, list[LabelledRow]],
    options: Options,
) -> None:
    labels = sorted({row.label for one in rows.values() for row in one})
    require_labels(model, labels, str(path))
    for code, one in rows.items():
        model.require_language(code, one[0].where)
    if model.row_sentences not in (None, len(columns.sentences)):
        takes, fix = {
            1: ("single sentences", "name their column with --text"),
            2: ("pairs of sentences", "name two columns with --premise and --hypothesis"),
        }[model.row_sentences]
        named = " and ".join(map(repr, columns.sentences))
        raise ConfigError(f"{model.path} classifies {takes}, not those of {named}", fix=fix)
    measure_rows(
        model,
        [_labelled(model, code, one) for code, one in sorted(rows.items())],
        options,
        title=f"{path.name}, in per cent",
        facts={"source": str(path), "columns": [*columns.sentences, columns.label]},
        notes=["Wilson intervals of accuracy, bootstrap intervals of macro-F1."],
    )


def _labelled(model: Model, code: str, rows: Sequence[LabelledRow]) -> LabelledRows:
    sides = list(zip(*(row.sentences for row in rows), strict=True))
    return LabelledRows(
        language=code,
        first=sides[0],
        second=sides[1] if len(sides) > 1 else None,
        labels=[model.labels.index(row.label) for row in rows],
        name=lambda index: rows[index].where,
    )
