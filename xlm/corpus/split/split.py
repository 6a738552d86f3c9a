"""The split stage: divides the lines of a language or pair into train, valid and test.

Two passes with constant memory: the first counts, the second writes. A line above the cap of a
held-out split is dropped and counted. It does not move to train, because another pair with the same
English sentence may keep it in its held-out split.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path

from xlm.config.data.split import SplitSlice
from xlm.config.languages.pairs import pivot_of
from xlm.corpus.split.assignment import HASH_RANGE, Thresholds, normalised, position, rank
from xlm.corpus.split.writers import LowestRanks, Row, ShardWriter, Shuffle
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError
from xlm.store.manifest import listed_files

_MIN_DISTINCT = 3
_PROGRESS_EVERY = 10_000


@dataclass(frozen=True)
class _Statistics:
    """What the first pass counts."""

    lines: int
    lowest: int
    """Lowest position of a line; only for monolingual text."""
    highest: int
    distinct: int
    """Number of different lines, counted up to three."""


def split(context: StageContext[SplitSlice], texts: Sequence[Path]) -> StageResult:
    """Write the files of train, valid and test into `context.out`.

    Args:
        texts: folders with the text of the unit, which are read one after another.

    Raises:
        DataError: there is no line to split, or the sides of a pair have different line counts.
    """
    statistics = _count(context, texts)
    if statistics.lines == 0:
        raise DataError(
            f"{context.unit}: there are no lines to split", fix="check the sources of this language"
        )
    thresholds = _thresholds(context.config, statistics)
    counts = _write(context, texts, statistics, thresholds)
    if (
        len(context.config.languages) == 1
        and counts["train_lines"] == 0
        and statistics.distinct > 2
    ):
        # All of the few lines are held out: keep only the lowest and the highest held out.
        extremes = Thresholds(train=statistics.lowest + 1, test=statistics.highest)
        counts = _write(context, texts, statistics, extremes)
    return StageResult(counts={"input_lines": statistics.lines, **counts})


def _thresholds(config: "SplitSlice", statistics: _Statistics) -> Thresholds:
    if len(config.languages) > 1:
        return Thresholds.fixed(valid=config.valid_fraction, test=config.test_fraction)
    if statistics.distinct < _MIN_DISTINCT:
        return Thresholds(train=0, test=HASH_RANGE)
    share = Thresholds.fixed(
        valid=min(config.valid_fraction, config.max_valid_lines / statistics.lines),
        test=min(config.test_fraction, config.max_test_lines / statistics.lines),
    )
    # The lowest and the highest line are always held out, so that no split is empty.
    return Thresholds(
        train=max(share.train, statistics.lowest + 1), test=min(share.test, statistics.highest)
    )


def _count(context: StageContext[SplitSlice], texts: Sequence[Path]) -> _Statistics:
    """The first pass."""
    lines, lowest, highest = 0, HASH_RANGE, -1
    distinct: set[int] = set()
    for row in _rows(context, texts):
        lines += 1
        if len(row) == 1:
            found = _position(context.config, row)
            lowest, highest = min(lowest, found), max(highest, found)
            if len(distinct) < _MIN_DISTINCT:
                distinct.add(found)
    return _Statistics(lines, lowest, highest, len(distinct))


def _write(
    context: StageContext[SplitSlice],
    texts: Sequence[Path],
    statistics: _Statistics,
    thresholds: Thresholds,
) -> dict[str, int]:
    """The second pass: write all splits; returns the counts for the manifest."""
    config = context.config
    shuffled = config.order == "shuffled"
    held_out = {
        "valid": LowestRanks(config.max_valid_lines),
        "test": LowestRanks(config.max_test_lines),
    }
    paths = (path for text in texts for rows in _paths(config, text) for path in rows)
    total_bytes = sum(path.stat().st_size for path in paths)
    context.out.mkdir(parents=True, exist_ok=True)
    for leftover in context.out.glob("*.txt"):
        leftover.unlink()
    with ExitStack() as stack:
        shuffle = stack.enter_context(Shuffle(context.scratch / "shuffle", total_bytes))
        train = stack.enter_context(_writer(context, "train"))
        for number, row in enumerate(_rows(context, texts)):
            split_name = thresholds.split(_position(config, row))
            order = rank(row[0], number, config.seed)
            if split_name != "train":
                held_out[split_name].add(order, number, row)
            elif shuffled:
                shuffle.add(order, row)
            else:
                train.write(row)
            if number % _PROGRESS_EVERY == 0:
                context.progress.update(number, statistics.lines, "lines")
        if shuffled:
            for row in shuffle.rows(len(config.languages)):
                train.write(row)
    counts = _write_held_out(context, held_out, shuffled=shuffled)
    return {"train_lines": train.lines, "train_shards": train.shards, **counts}


def _write_held_out(
    context: StageContext[SplitSlice], held_out: Mapping[str, LowestRanks], *, shuffled: bool
) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, lowest in held_out.items():
        with _writer(context, name) as writer:
            for row in lowest.rows(shuffled=shuffled):
                writer.write(row)
        counts |= {f"{name}_lines": writer.lines, f"{name}_over_cap": lowest.dropped}
    return counts


def _writer(context: StageContext[SplitSlice], name: str) -> ShardWriter:
    return ShardWriter(context.out, name, context.config.languages, context.config.lines_per_shard)


def _position(config: "SplitSlice", row: Row) -> int:
    if len(row) == 1:
        return position(row[0].strip(), config.seed)
    return position(normalised(row[_pivot(config.languages)]), config.seed)


@cache
def _pivot(languages: tuple[str, ...]) -> int:
    return languages.index(pivot_of("-".join(languages)))


def _paths(config: "SplitSlice", text: Path) -> list[list[Path]]:
    """The files of a folder, in order; for a pair, both sides together."""
    if len(config.languages) == 1:
        return [[path] for path in listed_files(text, "text*.txt")]
    return [[text / f"text.{code}.txt" for code in config.languages]]


def _rows(context: StageContext[SplitSlice], texts: Sequence[Path]) -> Iterator[Row]:
    for text in texts:
        for paths in _paths(context.config, text):
            yield from _rows_of(context, paths)


def _rows_of(context: StageContext[SplitSlice], paths: Sequence[Path]) -> Iterator[Row]:
    with ExitStack() as stack:
        files = [stack.enter_context(path.open(encoding="utf-8", newline="\n")) for path in paths]
        for lines in zip_longest(*files):
            if None in lines:
                names = " and ".join(path.name for path in paths)
                raise DataError(
                    f"{context.unit}: {names} have different numbers of lines",
                    fix="rebuild with --refresh extract-parallel",
                )
            yield tuple(line.removesuffix("\n") for line in lines)
