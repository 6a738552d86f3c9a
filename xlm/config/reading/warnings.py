"""What is probably not meant in a configuration that can be run; shown by `xlm plan` and `run`.

    for line in config_warnings(config):
        print(line)

To add a warning, write a function from the configuration to lines and name it in `_CHECKS`.
"""

from collections.abc import Callable, Iterable, Iterator

from xlm.config.pipeline import PipelineConfig, pairs


def config_warnings(config: PipelineConfig) -> list[str]:
    """One line for each thing that is probably a mistake, in a fixed order."""
    return [line for check in _CHECKS for line in check(config)]


def _long_warmups(config: PipelineConfig) -> Iterator[str]:
    for name, section in (("pretrain", config.pretrain), ("finetune", config.finetune)):
        warmup, updates = section.schedule.warmup_updates, section.updates
        # Only a value that the user set: the default belongs to a full-length run.
        if warmup > updates and "warmup_updates" in section.schedule.model_fields_set:
            yield (
                f"{name}.schedule.warmup_updates {warmup:,} is more than {name}.updates "
                f"{updates:,}: the learning rate never reaches its peak; lower the first to, say, "
                f"{updates // 10:,}"
            )


def _translation_without_pairs(config: PipelineConfig) -> Iterator[str]:
    if "tlm" in config.pretrain.objectives and not pairs(config):
        reason = (
            "the languages make no pair with English"
            if config.sources.parallel
            else "sources.parallel is empty"
        )
        yield (
            f"pretrain.objectives names tlm, but {reason}: nothing will train it; add a parallel "
            "corpus, or set pretrain.objectives=[mlm]"
        )


_CHECKS: tuple[Callable[[PipelineConfig], Iterable[str]], ...] = (
    _long_warmups,
    _translation_without_pairs,
)
