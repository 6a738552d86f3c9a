"""tokenize[language | pair | xnli.language]: raw lines to lower-case, accent-free tokens."""

import unicodedata
from collections.abc import Mapping

from xlm.config.base import Config
from xlm.config.pipeline import PipelineConfig
from xlm.stages.stage import Node, Outcome, Stage, Work
from xlm.stages.units import Kind, kind_of, languages_of, text_units


class TokenizeSlice(Config):
    """What shapes the tokens of one unit."""

    kind: Kind
    languages: tuple[str, ...]
    segmenters: dict[str, str]
    unicode: str
    """Version of Python's character tables: they decide case, accents and categories."""


def tokenize_slice(config: PipelineConfig, unit: str) -> TokenizeSlice:
    """Only the segmenters of the unit's own languages, so that others' choices move no key."""
    languages = languages_of(unit)
    return TokenizeSlice(
        kind=kind_of(unit),
        languages=languages,
        segmenters={
            language: name
            for language, name in sorted(config.text.segmenters.items())
            if language in languages
        },
        unicode=unicodedata.unidata_version,
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    if kind_of(unit) == "xnli":
        return {"text": Node("extract-xnli", *languages_of(unit))}
    return {"text": Node("split", unit)}


def run(work: Work[TokenizeSlice]) -> Outcome:
    """Tokenize every file of the input under the same name."""
    from xlm.text.files import tokenize_directory

    return tokenize_directory(work)


TOKENIZE = Stage(
    name="tokenize",
    version=1,
    summary="punctuation, Moses tokenizer or segmenter, lower-case, accents off",
    units=text_units,
    upstream=_upstream,
    slice=tokenize_slice,
    run=run,
    tools=("sacremoses", "pythainlp", "jieba"),
)
