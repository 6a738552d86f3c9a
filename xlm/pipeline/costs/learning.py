"""What learning merges costs: the sample and its distinct words count, not the corpus."""

from collections.abc import Mapping
from dataclasses import dataclass

from xlm.bpe.learning.sample import sampling_rates
from xlm.config.data.bpe import BpeConfig
from xlm.engine.stage import Node
from xlm.pipeline.costs.rates import GIGABYTE, RateTable
from xlm.stages.text.bpe_sample import MAX_TEXT_BYTES
from xlm.stages.units import kind_of_unit

_LINE_BYTES = {"mono": 360, "pair": 120}
"""A line of Wikipedia text in 15 languages, and one side of a pair of MultiUN."""
_TYPES_EXPONENT = 0.64


@dataclass(frozen=True)
class LearningCost:
    """The sample of a corpus, and what its merges cost."""

    sampled_bytes: int
    types: int
    """Distinct words of the sample."""
    is_counted: bool
    """The workers count the words of a large sample, and its text is not written."""
    spread_seconds: float
    """CPU time that the workers share; 0 if `is_counted` is false."""
    serial_seconds: float
    """CPU time of the learner alone, on one core; 0 if `is_counted` is false."""
    scratch_bytes: int
    memory_bytes: int
    """Of the learner, which holds every distinct word."""


def learning_cost(config: BpeConfig, sizes: Mapping[Node, int], table: RateTable) -> LearningCost:
    """Estimate the sample that `learn-bpe` draws.

    Args:
        config: the settings of BPE.
        sizes: bytes of each tokenized corpus.
        table: the committed rates.
    """
    size_bytes: dict[str, float] = {}
    lines: dict[str, int] = {}
    for node, read in sizes.items():
        kind = kind_of_unit(node.unit)
        languages = node.unit.split("-") if kind == "pair" else [node.unit]
        for code in languages:
            share = read / len(languages)
            size_bytes[code] = size_bytes.get(code, 0.0) + share
            lines[code] = lines.get(code, 0) + max(1, int(share / _LINE_BYTES.get(kind, 360)))
    rates = sampling_rates(lines, config.sample_alpha, config.sample_lines) if lines else {}
    sampled = sum(rates[code] * size for code, size in size_bytes.items())
    # Repeated lines have no new words.
    types = sum(
        table.word_types_per_root * (min(1.0, rates[code]) * size) ** _TYPES_EXPONENT
        for code, size in size_bytes.items()
    )
    is_counted = config.learner == "deterministic" and sampled > MAX_TEXT_BYTES
    counted = sampled * is_counted
    return LearningCost(
        sampled_bytes=int(sampled),
        types=int(types),
        is_counted=is_counted,
        spread_seconds=counted / GIGABYTE * table.count_seconds_per_gigabyte,
        serial_seconds=types / 1e6 * table.merge_seconds_per_million_types * is_counted,
        scratch_bytes=int(sampled * (table.counts_per_input if is_counted else 1.0)),
        memory_bytes=int(types * table.bytes_per_word_type.get(config.learner, 0)),
    )
