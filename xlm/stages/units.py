"""Units of the stages: a language, a language pair, a language of XNLI, or everything."""

from collections.abc import Callable

from xlm.config.data.text import UnitKind
from xlm.config.languages.pairs import ENGLISH, XNLI_LANGUAGES, split_pair
from xlm.config.pipeline import PipelineConfig, mono_languages, pairs
from xlm.engine.stage import ALL
from xlm.errors import ConfigError

XNLI_PREFIX = "xnli."


def single_unit(config: PipelineConfig) -> tuple[str, ...]:
    """The one unit of a stage that runs once."""
    return (ALL,)


def mono_units(config: PipelineConfig) -> tuple[str, ...]:
    """The languages with monolingual text, in the order of their ids."""
    return mono_languages(config)


def xnli_units(config: PipelineConfig) -> tuple[str, ...]:
    """One unit for each language of XNLI: `xnli.sw`."""
    return tuple(XNLI_PREFIX + code for code in config.languages if code in XNLI_LANGUAGES)


def corpus_units(config: PipelineConfig) -> tuple[str, ...]:
    """Languages, then pairs: the units with training text for BPE and the vocabulary."""
    return mono_units(config) + pairs(config)


def text_units(config: PipelineConfig) -> tuple[str, ...]:
    """The units of all tokenized text: languages, pairs, then languages of XNLI."""
    return corpus_units(config) + xnli_units(config)


def kind_of_unit(unit: str) -> UnitKind:
    """The kind of a unit, from its name."""
    if unit.startswith(XNLI_PREFIX):
        return "xnli"
    return "pair" if "-" in unit else "mono"


def languages_of_unit(unit: str) -> tuple[str, ...]:
    """The one or two languages of a unit: `en-sw` is ("en", "sw"), `xnli.sw` is ("sw",)."""
    if kind_of_unit(unit) == "pair":
        return split_pair(unit)
    return (unit.removeprefix(XNLI_PREFIX),)


def require_english(stage: str) -> Callable[[PipelineConfig], None]:
    """Return the `Stage.require` of a stage that needs the English training pairs of XNLI."""

    def require(config: PipelineConfig) -> None:
        if ENGLISH not in config.languages:
            raise ConfigError(
                f"languages: English is missing, but {stage} needs its XNLI pairs",
                fix=f"add {ENGLISH}, or stop earlier with --until pretrain",
            )

    return require
