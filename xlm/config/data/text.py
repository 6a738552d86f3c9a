"""Settings of tokenization, and the slice of stage tokenize."""

from typing import Literal

from pydantic import Field, field_validator

from xlm.config.languages.segmenters import DEFAULT_SEGMENTERS, SEGMENTERS, split_spec
from xlm.display.suggest import did_you_mean
from xlm.engine.config import Config, added, operational
from xlm.errors import ConfigError

UnitKind = Literal["mono", "pair", "xnli", "sentence", "sentence-pair"]
"""Kind of a unit of the text stages: a language, a language pair, or one language of a task.

Of a task: XNLI, or labelled sentences or pairs of another task.
"""


class TextConfig(Config):
    """Word segmenters and case. The other rules are fixed (XLM: tools/tokenize.sh)."""

    segmenters: dict[str, str] = Field(
        DEFAULT_SEGMENTERS,
        description="Word segmenter of each language, NAME or NAME:PATH (jieba, pkuseg, stanford, "
        "newmm, icu, kytea, command). A segmenter replaces the Moses tokenizer. The paper used the "
        "Stanford segmenter for zh and PyThaiNLP for th (section 5.2). The contents at PATH are "
        "part of the key, the path is not.",
    )

    cased: bool = Field(
        False,
        description="Keep case and accents. XLM removes both for its 15 languages, and with the "
        "accents the vowel signs of Thai, Hindi, Khmer, Burmese and others.",
    )

    @field_validator("segmenters")
    @classmethod
    def _known(cls, chosen: dict[str, str]) -> dict[str, str]:
        for code, spec in chosen.items():
            name, _ = split_spec(spec)
            if name not in SEGMENTERS:
                raise ConfigError(
                    f"text.segmenters.{code}: unknown segmenter {name!r}",
                    fix=did_you_mean(name, SEGMENTERS),
                )
        return chosen


class TokenizeSlice(Config):
    """Settings that determine the tokens of one unit."""

    kind: UnitKind
    languages: tuple[str, ...]
    segmenters: dict[str, str]
    """Language to name of its segmenter."""
    segmenter_identities: dict[str, str]
    """Language to tool, version and model of its segmenter."""
    unicode: str
    """Unicode version of Python, because segmenters use its character tables.

    Empty without a segmenter: the other rules use the tables of this repository.
    """
    segmenter_specs: dict[str, str] = operational(
        {},
        description="Language to NAME:PATH of its segmenter; `segmenter_identities` holds what "
        "enters the key.",
    )
    moses_languages: dict[str, str] = added(
        {},
        description="Language to the one whose Moses rules tokenize it, if that is another one.",
    )
    cased: bool = added(False, description="Whether case and accents are kept.")
