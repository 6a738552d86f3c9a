"""Warnings about settings that are valid but probably a mistake; `xlm plan` and `run` print them.

    for line in config_warnings(config):
        print(line)

To add a warning, write a function from the configuration to lines and add it to `_CHECKS`.
"""

from collections.abc import Callable, Iterable, Iterator
from math import prod
from pathlib import Path

from xlm.config.data.own.files import OwnSource
from xlm.config.data.tasks import FilesTask
from xlm.config.languages.pairs import split_pair
from xlm.config.languages.segmenters import is_unspaced, missing_segmenter_warning
from xlm.config.pipeline import PipelineConfig, mono_languages, pairs

_MANY_MODELS = 100


def config_warnings(config: PipelineConfig) -> list[str]:
    """One line for each probable mistake, in a fixed order."""
    # A run that only fine-tunes has no pretraining text, on purpose.
    skipped = () if config.finetune.encoder is None else _CHECKS_OF_PRETRAINING
    return [line for check in _CHECKS if check not in skipped for line in check(config)]


def _long_warmups(config: PipelineConfig) -> Iterator[str]:
    for name, section in (("pretrain", config.pretrain), ("finetune", config.finetune)):
        warmup, updates = section.schedule.warmup_updates, section.updates
        # Only a value that the user set: the default is for a run of full length.
        if warmup > updates and "warmup_updates" in section.schedule.model_fields_set:
            yield (
                f"{name}.schedule.warmup_updates {warmup:,} is more than {name}.updates "
                f"{updates:,}: the learning rate never reaches its peak; lower the first, e.g. to "
                f"{updates // 10:,}"
            )


def _long_sweeps(config: PipelineConfig) -> Iterator[str]:
    finetune, sweep = config.finetune, config.finetune.sweep
    if config.classify is None:
        return
    values = (sweep.learning_rates, sweep.batch_pairs, sweep.seeds)
    combinations = prod(max(1, len(one)) for one in values)
    # With English alone, translate-train in English is zero-shot.
    sets = 1 + ("translate-train-all" in config.xnli.settings)
    if "translate-train" in config.xnli.settings:
        sets += len({*config.languages} - {*config.classify.train})
    if combinations * sets > _MANY_MODELS:
        yield (
            f"finetune.sweep and xnli.settings train {combinations * sets:,} models: "
            f"{combinations:,} combinations for each of {sets} sets of training rows; if these are "
            "too many, remove values or settings"
        )
    warmup, batch = finetune.schedule.warmup_updates, max(sweep.batch_pairs, default=0)
    updates = round(finetune.updates * finetune.batch_pairs / batch) if batch else finetune.updates
    if updates < warmup <= finetune.updates:
        yield (
            f"finetune.sweep.batch_pairs has {batch:,}, with which there are {updates:,} updates, "
            f"but finetune.schedule.warmup_updates is {warmup:,}: the learning rate never reaches "
            "its peak; lower it, or remove the batch size"
        )


def _translation_without_pairs(config: PipelineConfig) -> Iterator[str]:
    if "tlm" in config.pretrain.objectives and not pairs(config):
        reason = (
            "no parallel corpus has a pair of these languages"
            if config.sources.parallel
            else "sources.parallel is empty"
        )
        yield (
            f"pretrain.objectives contains tlm, but {reason}, so TLM has no data; add a parallel "
            "corpus, or set pretrain.objectives=[mlm]"
        )


def _languages_without_training_text(config: PipelineConfig) -> Iterator[str]:
    objectives = config.pretrain.objectives
    mono = mono_languages(config)
    if not mono and "tlm" in objectives and len(objectives) > 1:
        names = " and ".join(name for name in objectives if name != "tlm")
        yield (
            f"pretrain.objectives contains {names}, but no language has monolingual text, so only "
            "TLM trains; add text to sources, or set pretrain.objectives=[tlm]"
        )
    elif mono and "tlm" not in objectives:
        codes = " and ".join(code for code in config.languages if code not in mono)
        if codes:
            yield (
                f"pretraining has no text of {codes}: only pairs, and pretrain.objectives does not "
                "contain tlm; add it, or add text to sources"
            )


def _unused_own_files(config: PipelineConfig) -> Iterator[str]:
    unused = [
        f"{source.name} of {source.language}"
        for source in config.sources.text
        if source.language not in config.languages
    ]
    unused += [
        f"{corpus.name} of {corpus.pair}"
        for corpus in config.sources.parallel
        if isinstance(corpus, OwnSource) and not set(split_pair(corpus.pair)) <= {*config.languages}
    ]
    if unused:
        more = f" and {len(unused) - 3} more" if len(unused) > 3 else ""
        yield (
            f"not used, because their languages are not in `languages`: {', '.join(unused[:3])}"
            f"{more}"
        )


def _shared_labelled_files(config: PipelineConfig) -> Iterator[str]:
    if not isinstance(task := config.classify, FilesTask):
        return
    for code in config.languages:
        found: dict[Path, str] = {}
        for setting, location in task.locations(code).values():
            path = Path(location).expanduser().resolve()
            if path in found:
                yield (
                    f"{setting} is the same file as {found[path]}, so its accuracy says nothing "
                    "about other text; use other rows"
                )
            found.setdefault(path, setting)


def _missing_segmenters(config: PipelineConfig) -> Iterator[str]:
    for code in config.languages:
        if is_unspaced(config.table[code]) and code not in config.text.segmenters:
            yield missing_segmenter_warning(code)


_CHECKS_OF_PRETRAINING = (_translation_without_pairs, _languages_without_training_text)
_CHECKS: tuple[Callable[[PipelineConfig], Iterable[str]], ...] = (
    _long_warmups,
    _long_sweeps,
    _translation_without_pairs,
    _languages_without_training_text,
    _unused_own_files,
    _shared_labelled_files,
    _missing_segmenters,
)
