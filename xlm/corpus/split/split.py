"""The split stage: divides the lines of a language or pair into train, valid and test.

The worker processes do all of it, on ranges of lines: count, then assign the lines of each range,
then write the shards. The files depend neither on the ranges nor on the number of workers.

A line above the cap of a held-out split is dropped and counted. It does not move to train, because
another pair with the same English sentence may keep it in its held-out split.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlm.config.data.split import SplitSlice
from xlm.corpus.split.assignment import HASH_RANGE, Thresholds
from xlm.corpus.split.runs import HELD_OUT, LowestRanks, assign, positions, read_held_out
from xlm.corpus.split.shards import ShardPlan, write_rows, write_shard
from xlm.corpus.text_files.line_ranges import LineRange
from xlm.corpus.text_files.unit_lines import lines_of_unit
from xlm.engine.stage import FileJob, StageContext, StageResult
from xlm.errors import DataError

_MIN_DISTINCT = 3


@dataclass(frozen=True)
class _Statistics:
    """What is known of the lines before they are assigned."""

    lines: int
    lowest: int = HASH_RANGE
    """Lowest position of a line; only for monolingual text."""
    highest: int = -1
    distinct: frozenset[int] = frozenset()
    """Positions of different lines, up to three."""


def split(context: StageContext[SplitSlice], texts: Sequence[Path]) -> StageResult:
    """Write the files of train, valid and test into `context.out`.

    Args:
        texts: folders with the text of the unit, one after another.

    Raises:
        DataError: there is no line to split, or the sides of a pair have different line counts.
    """
    ranges = lines_of_unit(context, context.config.languages, texts)
    statistics = _statistics(context, ranges)
    if statistics.lines == 0:
        raise DataError(
            f"{context.unit}: there are no lines to split", fix="check the sources of this language"
        )
    context.out.mkdir(parents=True, exist_ok=True)
    context.scratch.mkdir(parents=True, exist_ok=True)
    thresholds = _thresholds(context.config, statistics)
    plan = _assign(context, ranges, statistics, thresholds)
    if (
        len(context.config.languages) == 1
        and plan.lines == 0
        and len(statistics.distinct) >= _MIN_DISTINCT
    ):
        # All of the few lines are held out: keep only the lowest and the highest held out.
        extremes = Thresholds(train=statistics.lowest + 1, test=statistics.highest)
        plan.remove_files()
        plan = _assign(context, ranges, statistics, extremes)
    shards = plan.jobs(context.out)
    for leftover in set(context.out.glob("*.txt")).difference(*(job.targets for job in shards)):
        leftover.unlink()
    context.map_files(write_shard, shards)
    counts = _write_held_out(context, plan)
    plan.remove_files()
    return StageResult(
        counts={
            "input_lines": statistics.lines,
            "train_lines": plan.lines,
            "train_shards": len(shards),
            **counts,
        }
    )


def _statistics(context: StageContext[SplitSlice], ranges: Sequence[LineRange]) -> _Statistics:
    lines = sum(one.lines for one in ranges)
    if len(context.config.languages) > 1:
        return _Statistics(lines)
    found = list(context.mapper.map(_range_statistics, [(one, context.config) for one in ranges]))
    distinct = sorted({position for one in found for position in one.distinct})
    return _Statistics(
        lines,
        min((one.lowest for one in found), default=HASH_RANGE),
        max((one.highest for one in found), default=-1),
        frozenset(distinct[:_MIN_DISTINCT]),
    )


def _range_statistics(item: tuple[LineRange, SplitSlice]) -> _Statistics:
    one, config = item
    lowest, highest = HASH_RANGE, -1
    distinct: set[int] = set()
    for found in positions(one, config):
        lowest, highest = min(lowest, found), max(highest, found)
        if len(distinct) < _MIN_DISTINCT:
            distinct.add(found)
    return _Statistics(one.lines, lowest, highest, frozenset(distinct))


def _thresholds(config: SplitSlice, statistics: _Statistics) -> Thresholds:
    if len(config.languages) > 1:
        return Thresholds.fixed(valid=config.valid_fraction, test=config.test_fraction)
    if len(statistics.distinct) < _MIN_DISTINCT:
        return Thresholds(train=0, test=HASH_RANGE)
    share = Thresholds.fixed(
        valid=min(config.valid_fraction, config.max_valid_lines / statistics.lines),
        test=min(config.test_fraction, config.max_test_lines / statistics.lines),
    )
    # The lowest and the highest line are always held out, so that no split is empty.
    return Thresholds(
        train=max(share.train, statistics.lowest + 1), test=min(share.test, statistics.highest)
    )


def _assign(
    context: StageContext[SplitSlice],
    ranges: Sequence[LineRange],
    statistics: _Statistics,
    thresholds: Thresholds,
) -> ShardPlan:
    """Write the runs of all ranges."""
    # Not "run-": an interrupted split may have left files with an index of another form.
    name = f"segments-{thresholds.train:x}-{thresholds.test:x}"
    buckets = ShardPlan.buckets(context.config, statistics.lines)
    jobs = [
        FileJob(
            name=f"{name}.{number:05d}",
            sources=tuple(Path(path) for path, _, _ in one.columns),
            targets=tuple(
                context.scratch / f"{name}.{number:05d}.{kind}"
                for kind in ("rows", "index", "held-out")
            ),
            options={
                "first": one.first,
                "lines": one.lines,
                "positions": [[start, skipped] for _, start, skipped in one.columns],
                "thresholds": [thresholds.train, thresholds.test],
                "config": context.config.model_dump(mode="json"),
                "buckets": buckets,
            },
        )
        for number, one in enumerate(ranges)
    ]
    counted = context.map_files(_assign_range, jobs)
    runs = [job.targets[:2] for job in jobs]
    return ShardPlan(
        config=context.config,
        lines=sum(one["train"] for one in counted),
        runs=tuple((run, index) for run, index in runs),
        held_out=tuple(job.targets[2] for job in jobs),
    )


def _assign_range(job: FileJob) -> dict[str, int]:
    options = job.options
    columns = tuple(
        (str(path), start, skipped)
        for path, (start, skipped) in zip(job.sources, options["positions"], strict=True)
    )
    run, index, held_out = job.targets
    lines = assign(
        LineRange(options["first"], options["lines"], columns),
        SplitSlice.model_validate(options["config"]),
        Thresholds(*options["thresholds"]),
        run=run,
        index=index,
        held_out=held_out,
        buckets=options["buckets"],
    )
    return {"train": lines}


def _write_held_out(context: StageContext[SplitSlice], plan: ShardPlan) -> dict[str, int]:
    config = context.config
    kept = {
        "valid": LowestRanks(config.max_valid_lines),
        "test": LowestRanks(config.max_test_lines),
    }
    for path in plan.held_out:
        read_held_out(path, kept)
    counts: dict[str, int] = {}
    for name in HELD_OUT:
        rows = list(kept[name].rows(shuffled=config.order == "shuffled"))
        for number, at in enumerate(range(0, max(1, len(rows)), config.lines_per_shard)):
            shard: Iterator[tuple[bytes, ...]] = iter(rows[at : at + config.lines_per_shard])
            write_rows(plan.shard_paths(context.out, name, number), shard)
        counts |= {f"{name}_lines": len(rows), f"{name}_over_cap": kept[name].dropped}
    return counts
