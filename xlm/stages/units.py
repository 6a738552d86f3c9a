"""What the text stages run once for: a language, a language pair, or a language of XNLI."""

from collections.abc import Callable

from xlm.config.data.text import UnitKind
from xlm.config.languages.pairs import ENGLISH, XNLI_LANGUAGES, split_pair
from xlm.config.pipeline import PipelineConfig, pairs
from xlm.errors import ConfigError

XNLI_PREFIX = "xnli."


def languages(config: PipelineConfig) -> tuple[str, ...]:
    """The languages of the run, in the order that gives their ids."""
    return tuple(config.languages)


def xnli_units(config: PipelineConfig) -> tuple[str, ...]:
    """One unit for each language that XNLI has: `xnli.sw`."""
    return tuple(XNLI_PREFIX + code for code in languages(config) if code in XNLI_LANGUAGES)


def corpus_units(config: PipelineConfig) -> tuple[str, ...]:
    """What codes and vocabulary are made from: languages, then pairs."""
    return languages(config) + pairs(config)


def text_units(config: PipelineConfig) -> tuple[str, ...]:
    """All that is tokenized: languages, pairs, XNLI."""
    return corpus_units(config) + xnli_units(config)


def kind_of_unit(unit: str) -> UnitKind:
    """Whether a unit is a language, a pair or a language of XNLI."""
    if unit.startswith(XNLI_PREFIX):
        return "xnli"
    return "pair" if "-" in unit else "mono"


def languages_of_unit(unit: str) -> tuple[str, ...]:
    """The one or two languages of a unit: `en-sw` is ("en", "sw"), `xnli.sw` is ("sw",)."""
    if kind_of_unit(unit) == "pair":
        return split_pair(unit)
    return (unit.removeprefix(XNLI_PREFIX),)


def require_english(stage: str) -> Callable[[PipelineConfig], None]:
    """The check of a stage that learns XNLI from English pairs, or that uses what did."""

    def require(config: PipelineConfig) -> None:
        if ENGLISH not in config.languages:
            raise ConfigError(
                f"languages: English is missing, and {stage} starts from its XNLI pairs",
                fix=f"add {ENGLISH}, or stop before that with --until pretrain",
            )

    return require
