"""Warnings about settings that are valid but probably a mistake; `xlm plan` and `run` print them.

    for line in config_warnings(config):
        print(line)

To add a warning, write a function from the configuration to lines and add it to `_CHECKS`.
"""

from collections.abc import Callable, Iterable, Iterator

from xlm.config.languages.segmenters import is_unspaced, missing_segmenter_warning
from xlm.config.pipeline import PipelineConfig, pairs


def config_warnings(config: PipelineConfig) -> list[str]:
    """One line for each probable mistake, in a fixed order."""
    return [line for check in _CHECKS for line in check(config)]


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


def _translation_without_pairs(config: PipelineConfig) -> Iterator[str]:
    if "tlm" in config.pretrain.objectives and not pairs(config):
        reason = (
            "no parallel corpus has a pair of these languages and English"
            if config.sources.parallel
            else "sources.parallel is empty"
        )
        yield (
            f"pretrain.objectives contains tlm, but {reason}, so TLM has no data; add a parallel "
            "corpus, or set pretrain.objectives=[mlm]"
        )


def _missing_segmenters(config: PipelineConfig) -> Iterator[str]:
    for code in config.languages:
        if is_unspaced(config.table[code]) and code not in config.text.segmenters:
            yield missing_segmenter_warning(code)


_CHECKS: tuple[Callable[[PipelineConfig], Iterable[str]], ...] = (
    _long_warmups,
    _translation_without_pairs,
    _missing_segmenters,
)
