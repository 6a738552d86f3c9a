"""The tasks of `xlm evaluate` by name.

prepare(options)(model)

`prepare` reads the files and refuses what is wrong with them, before a model is loaded.
"""

from collections.abc import Callable

from xlm.cli.evaluate.classify import prepare_classify
from xlm.cli.evaluate.options import Options
from xlm.cli.evaluate.perplexity import prepare_perplexity
from xlm.cli.evaluate.retrieval import prepare_retrieval
from xlm.cli.evaluate.xnli import prepare_xnli
from xlm.inference.model import Model

Measure = Callable[[Model], None]
"""Measures a model, and prints and writes the results."""

_TASKS: dict[str, Callable[[Options], Measure]] = {
    "xnli": prepare_xnli,
    "classify": prepare_classify,
    "perplexity": prepare_perplexity,
    "retrieval": prepare_retrieval,
}


def prepare(options: Options) -> Measure:
    """Check the files of a task.

    Raises:
        ConfigError: a file cannot be read.
        DataError: a file is damaged or has the wrong columns.
    """
    return _TASKS[options.task](options)
