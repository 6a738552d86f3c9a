"""Units of the stages: a language, a language pair, a language of the task, or everything."""

from xlm.config.data.tasks import Task, XnliTask, task_title
from xlm.config.data.text import UnitKind
from xlm.config.languages.pairs import split_pair
from xlm.config.pipeline import PipelineConfig, mono_languages, pairs
from xlm.engine.stage import ALL
from xlm.errors import ConfigError

_TASK_KINDS: tuple[UnitKind, ...] = ("xnli", "sentence", "sentence-pair")


def single_unit(config: PipelineConfig) -> tuple[str, ...]:
    """The one unit of a stage that runs once."""
    return (ALL,)


def mono_units(config: PipelineConfig) -> tuple[str, ...]:
    """The languages with monolingual text, in the order of their ids."""
    return mono_languages(config)


def task_languages(config: PipelineConfig) -> tuple[str, ...]:
    """The languages of the run in which its task has rows, in the order of their ids."""
    return config.classify.languages(config.languages) if config.classify else ()


def task_units(config: PipelineConfig) -> tuple[str, ...]:
    """One unit for each language of the task: `xnli.sw`, `sentence.sw`, `sentence-pair.sw`."""
    kind = task_kind(config.classify) if config.classify else ""
    return tuple(f"{kind}.{code}" for code in task_languages(config))


def task_kind(task: Task) -> UnitKind:
    """The kind of the units of a task."""
    if isinstance(task, XnliTask):
        return "xnli"
    return "sentence-pair" if task.is_paired else "sentence"


def corpus_units(config: PipelineConfig) -> tuple[str, ...]:
    """Languages, then pairs: the units with training text for BPE and the vocabulary."""
    return mono_units(config) + pairs(config)


def text_units(config: PipelineConfig) -> tuple[str, ...]:
    """The units of all tokenized text: languages, pairs, then languages of the task."""
    return corpus_units(config) + task_units(config)


def kind_of_unit(unit: str) -> UnitKind:
    """The kind of a unit, from its name."""
    for kind in _TASK_KINDS:
        if unit.startswith(f"{kind}."):
            return kind
    return "pair" if "-" in unit else "mono"


def languages_of_unit(unit: str) -> tuple[str, ...]:
    """The one or two languages of a unit: `en-sw` is ("en", "sw"), `xnli.sw` is ("sw",)."""
    if kind_of_unit(unit) == "pair":
        return split_pair(unit)
    return (unit.rpartition(".")[2],)


def train_units(config: PipelineConfig) -> tuple[str, ...]:
    """The units of the task that have training rows."""
    return tuple(
        unit
        for unit in task_units(config)
        if config.classify and "train" in config.classify.splits(*languages_of_unit(unit))
    )


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
