"""`xlm predict`: the label of each text or pair, and the probability of every label."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from xlm.cli.inference.lines import TextLines
from xlm.cli.inference.results import warn_of_truncation, write_results, write_row_results
from xlm.cli.inference.rows import Row, RowParser
from xlm.cli.inference.table_rows import TABLE_FORMATS, TableRows, is_table
from xlm.cli.output import show
from xlm.config.data.tasks import COMPRESSIONS
from xlm.errors import ConfigError
from xlm.inference.model import Model
from xlm.inference.results import Prediction
from xlm.inference.text import Name

_SUFFIXES = (".tsv", ".txt", *(f".{name}" for name in TABLE_FORMATS), *COMPRESSIONS)
"""Endings of files with texts, to recognize a path that does not exist."""


def predict(model: Model, texts: Sequence[str], language: str | None, *, as_json: bool) -> None:
    """Print the predictions of one text or pair, or of the rows of a file or standard input.

    Raises:
        ConfigError: the model has no classifier, or the arguments do not fit together.
        DataError: a row is invalid.
    """
    model.require_classifier()
    if language is not None:
        model.require_language(language)
    header = "" if as_json else "\t".join(["label", *model.labels])

    def compute(rows: Sequence[Row], name: Name) -> str:
        found = _predictions(model, rows, name)
        return "".join(f"{_shown(one, as_json=as_json)}\n" for one in found)

    path = the_file(texts)
    if texts and path is None:
        if language is None:
            raise ConfigError("the language of the text is not known", fix="pass --lang")
        if len(texts) > 2:
            raise ConfigError(f"{len(texts)} texts", fix="pass a premise and a hypothesis")
        row = Row(texts[0], texts[1] if len(texts) > 1 else None, language)
        output = compute([row], lambda _: "the text")
        show("\n".join(filter(None, [header, output.rstrip("\n")])))
        warn_of_truncation(model)
        return
    sentences = model.row_sentences
    if path and is_table(path):
        table = TableRows.of(path, language=language, sentences=sentences)

        def known_rows() -> Iterator[tuple[str, Row]]:
            for where, row in table:
                model.require_language(row.language, where)
                yield where, row

        write_row_results(model, known_rows, compute, title="predict", header=header)
        return
    source = TextLines.of(path)
    parse = RowParser(source.name, language=language, sentences=sentences)

    def parse_known(line: str, number: int) -> Row | None:
        row = parse(line, number)
        if row is not None:
            model.require_language(row.language, source.where(number))
        return row

    write_results(model, source, parse_known, compute, title="predict", header=header)


def the_file(texts: Sequence[str]) -> Path | None:
    """The file, if the only text is the path of one.

    Raises:
        ConfigError: it is empty, or written as a path that does not exist.
    """
    if len(texts) != 1:
        return None
    text, path = texts[0], Path(texts[0])
    if not text:
        raise ConfigError("the text is empty", fix="pass a text, or the path of a file")
    try:
        if path.exists():
            return path
    except (OSError, ValueError):  # too long for a name, or not a name
        return None
    if not any(map(str.isspace, text)) and (path.suffix in _SUFFIXES or text.startswith("/")):
        raise ConfigError(f"{text} does not exist", fix="pass the path of a file, or a text")
    return None


def _predictions(model: Model, rows: Sequence[Row], name: Name) -> list[Prediction]:
    languages = [row.language for row in rows]
    first = model.encode([row.first for row in rows], language=languages, name=name)
    second = None
    if rows[0].second is not None:
        texts = [row.second or "" for row in rows]
        second = model.encode(texts, language=languages, name=name)
    return model.predict_ids(first, second, language=languages)


def _shown(prediction: Prediction, *, as_json: bool) -> str:
    if as_json:
        shares = {label: round(share, 6) for label, share in prediction.probabilities.items()}
        return json.dumps({"label": prediction.label, "probabilities": shares}, ensure_ascii=False)
    shown = [f"{share:.6f}" for share in prediction.probabilities.values()]
    return "\t".join([prediction.label, *shown])
