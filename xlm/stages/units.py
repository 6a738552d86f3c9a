"""Units of the stages: a language, a language pair, a language of the task, or everything."""

from collections.abc import Iterable

from xlm.config.data.tasks import Task, XnliTask, task_title
from xlm.config.data.text import UnitKind
from xlm.config.data.translations import in_english, original_of
from xlm.config.languages.pairs import ENGLISH, split_pair
from xlm.config.pipeline import PipelineConfig, mono_languages, pairs
from xlm.config.training.sweep import Setting
from xlm.engine.stage import ALL
from xlm.errors import ConfigError

_TASK_KINDS: tuple[UnitKind, ...] = ("xnli", "sentence", "sentence-pair")
_TRANSLATED_TRAINING: tuple[Setting, ...] = ("translate-train", "translate-train-all")


def single_unit(config: PipelineConfig) -> tuple[str, ...]:
    """The one unit of a stage that runs once."""
    return (ALL,)


def mono_units(config: PipelineConfig) -> tuple[str, ...]:
    """The languages with monolingual text, in the order of their ids."""
    return mono_languages(config)


def task_languages(config: PipelineConfig) -> tuple[str, ...]:
    """The languages of the run in which its task has rows, in the order of their ids."""
    return config.classify.languages(config.languages) if config.classify else ()


def trained_languages(config: PipelineConfig) -> tuple[str, ...]:
    """The languages in which the task has training rows in this run, in the order of their ids.

    For translate-train, XNLI has machine-translated training rows in all of its languages.
    """
    languages = task_languages(config)
    if any(setting in _TRANSLATED_TRAINING for setting in config.xnli.settings):
        return languages
    return tuple(
        code for code in languages if config.classify and "train" in config.classify.splits(code)
    )


def translated_languages(config: PipelineConfig) -> tuple[str, ...]:
    """The languages whose test rows are also read in English, for translate-test."""
    if "translate-test" not in config.xnli.settings:
        return ()
    return tuple(code for code in task_languages(config) if code != ENGLISH)


def task_units(config: PipelineConfig) -> tuple[str, ...]:
    """One unit for each language of the task: `xnli.sw`, `sentence.sw`, `sentence-pair.sw`."""
    return _units_of_task(config, task_languages(config))


def translated_units(config: PipelineConfig) -> tuple[str, ...]:
    """One unit for the English translations of each language's test rows: `xnli.sw-en`."""
    return _units_of_task(config, map(in_english, translated_languages(config)))


def _units_of_task(config: PipelineConfig, rows: Iterable[str]) -> tuple[str, ...]:
    kind = task_kind(config.classify) if config.classify else ""
    return tuple(f"{kind}.{name}" for name in rows)


def task_kind(task: Task) -> UnitKind:
    """The kind of the units of a task."""
    if isinstance(task, XnliTask):
        return "xnli"
    return "sentence-pair" if task.is_paired else "sentence"


def corpus_units(config: PipelineConfig) -> tuple[str, ...]:
    """Languages, then pairs: the units with training text for BPE and the vocabulary."""
    return mono_units(config) + pairs(config)


def text_units(config: PipelineConfig) -> tuple[str, ...]:
    """The units of all tokenized text: languages, pairs, languages of the task, translations."""
    return corpus_units(config) + task_units(config) + translated_units(config)


def kind_of_unit(unit: str) -> UnitKind:
    """The kind of a unit, from its name."""
    for kind in _TASK_KINDS:
        if unit.startswith(f"{kind}."):
            return kind
    return "pair" if "-" in unit else "mono"


def languages_of_unit(unit: str) -> tuple[str, ...]:
    """The one or two languages of a unit: `en-sw` is ("en", "sw"), `xnli.sw` is ("sw",).

    Those of its text: `xnli.sw-en` is ("en",).
    """
    if kind_of_unit(unit) == "pair":
        return split_pair(unit)
    return (ENGLISH,) if original_of(unit) else (rows_of_unit(unit),)


def rows_of_unit(unit: str) -> str:
    """The unit in which the rows of a unit of the task are extracted: `xnli.sw-en` is `sw-en`."""
    return unit.rpartition(".")[2]


def task_unit(config: PipelineConfig) -> tuple[str, ...]:
    """The one unit of a stage that exists only with a task."""
    return (ALL,) if config.classify else ()


def require_training_rows(config: PipelineConfig) -> None:
    """Check that a classifier can be trained: `Stage.require` of the stages after pretraining.

    Raises:
        ConfigError: the languages of the run are not those of the training rows.
    """
    task = config.classify
    if task is None:
        return
    missing = [code for code in task.train if code not in config.languages]
    if missing:
        raise ConfigError(
            f"languages: {missing[0]} is missing, but the training rows of {task_title(task)} are "
            "in it",
            fix=f"add {missing[0]}, set classify=null, or stop earlier with --until pretrain",
        )


def require_task(config: PipelineConfig) -> None:
    """Check that there is a task: `Stage.require` of fine-tuning.

    Raises:
        ConfigError: `classify` is null, or there are no training rows.
    """
    if config.classify is None:
        raise ConfigError(
            "classify is null, so there is no classifier to fine-tune",
            fix="set classify, e.g. classify.task=xnli, or drop finetune",
        )
    require_training_rows(config)
