"""How raw text becomes tokens: the segmenters of languages that write no spaces."""

from typing import Literal

from pydantic import Field, field_validator

from xlm.config.languages.pairs import language
from xlm.config.languages.segmenters import DEFAULT_SEGMENTERS, SEGMENTERS, split_spec
from xlm.display.suggest import did_you_mean
from xlm.engine.config import Config, operational
from xlm.errors import ConfigError

UnitKind = Literal["mono", "pair", "xnli"]
"""A unit of the text stages: a language, a language pair, or the XNLI rows of a language."""


class TextConfig(Config):
    """The choices of the tokenisation chain; its rules are fixed (XLM: tools/tokenize.sh)."""

    segmenters: dict[str, str] = Field(
        DEFAULT_SEGMENTERS,
        description="Word segmenter by language, NAME or NAME:PATH (jieba, pkuseg, stanford, "
        "newmm, kytea, command); a language named here skips the Moses tokenizer. The paper used "
        "the Stanford segmenter for zh and PyThaiNLP for th (section 5.2). The path is no part of "
        "a key, what lies there is.",
    )

    @field_validator("segmenters")
    @classmethod
    def _known(cls, chosen: dict[str, str]) -> dict[str, str]:
        for code, spec in chosen.items():
            language(code)
            name, _ = split_spec(spec)
            if name not in SEGMENTERS:
                raise ConfigError(
                    f"text.segmenters.{code}: no segmenter {name!r}",
                    fix=did_you_mean(name, SEGMENTERS),
                )
        return chosen


class TokenizeSlice(Config):
    """What shapes the tokens of one unit."""

    kind: UnitKind
    languages: tuple[str, ...]
    segmenters: dict[str, str]
    """Segmenter by language, its name alone."""
    segmenter_identities: dict[str, str]
    """Tool, version and model of these, by language."""
    unicode: str
    """Version of Python's character tables, which segmenters ask; the rest has tables of ours."""
    segmenter_specs: dict[str, str] = operational(
        {}, description="Segmenter by language with its path; the identities stand for its bytes."
    )
