"""`xlm fill-mask`: the most probable tokens at each mask of a text."""

import json
from collections.abc import Sequence

from xlm.cli.inference.lines import TextLines
from xlm.cli.inference.predict import the_file
from xlm.cli.inference.results import write_results
from xlm.cli.output import show
from xlm.errors import DataError
from xlm.inference.model import Model
from xlm.inference.results import Candidate
from xlm.inference.text import Name

_HEADER = "text\tmask\ttoken\tprobability"


def fill_mask(
    model: Model, texts: Sequence[str], language: str, *, top: int, as_json: bool
) -> None:
    """Print the candidates of texts, or of the lines of a file or of standard input.

    Raises:
        ConfigError: the model cannot predict masked tokens, or does not have the language.
        DataError: a text is empty or has no mask.
    """
    model.require_mask_head()
    model.require_language(language)
    header = "" if as_json else _HEADER
    path = the_file(texts)
    source = TextLines.of(path)

    def compute(lines: Sequence[tuple[int, str]], name: Name) -> str:
        ids = model.encode([text for _, text in lines], language=language, name=name)
        found = model.fill_mask_ids(ids, language=language, top=top, name=name)
        show_one = _json_line if as_json else _table
        return "".join(
            show_one(number, text, masks)
            for (number, text), masks in zip(lines, found, strict=True)
        )

    if texts and path is None:
        output = compute(list(enumerate(texts, start=1)), lambda index: f"text {index + 1}")
        show("\n".join(filter(None, [header, output.rstrip("\n")])))
        return

    def parse(line: str, number: int) -> tuple[int, str]:
        if not line.strip():
            raise DataError(f"{source.where(number)} is empty", fix="remove it, or write a text")
        return number, line

    write_results(model, source, parse, compute, title="fill-mask", header=header)


def _table(number: int, _: str, masks: Sequence[Sequence[Candidate]]) -> str:
    return "".join(
        f"{number}\t{mask}\t{one.token}\t{one.probability:.6f}\n"
        for mask, candidates in enumerate(masks, start=1)
        for one in candidates
    )


def _json_line(_: int, text: str, masks: Sequence[Sequence[Candidate]]) -> str:
    found = [
        [{"token": one.token, "probability": round(one.probability, 6)} for one in candidates]
        for candidates in masks
    ]
    return json.dumps({"text": text, "masks": found}, ensure_ascii=False) + "\n"
