"""The split stage: the lines of one language or pair to train, valid and test.

Two passes over the text with flat memory: one to count, one to divide. A line above a cap is
dropped from its held-out side and counted; it never trains, or two pairs could disagree on it.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from xlm.config.data.split import SplitSlice
from xlm.config.languages.pairs import ENGLISH
from xlm.corpus.split.line_files import Row, Selection, ShardWriter, Shuffle
from xlm.corpus.split.sides import WHOLE, Thresholds, normalised, position, rank
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError

_FEWEST_DISTINCT = 3
_PROGRESS_EVERY = 10_000


@dataclass(frozen=True)
class _Survey:
    """What the first pass learns."""

    lines: int
    lowest: int
    highest: int
    distinct: int
    """Different lines, counted up to three."""


def split(context: StageContext[SplitSlice], text: Path) -> StageResult:
    """Write the shards of train, valid and test into `context.out`.

    Raises:
        DataError: there is no line to split, or the sides of a pair have unequal line counts.
    """
    survey = _survey(context, text)
    if survey.lines == 0:
        raise DataError(
            f"{context.unit}: no line to split", fix="check the sources of this language"
        )
    thresholds = _thresholds(context.config, survey)
    counts = _divide(context, text, survey, thresholds)
    if len(context.config.languages) == 1 and counts["train_lines"] == 0 and survey.distinct > 2:
        # A handful of lines, all held out: only the outermost two stay so.
        extremes = Thresholds(train=survey.lowest + 1, test=survey.highest)
        counts = _divide(context, text, survey, extremes)
    return StageResult(counts={"input_lines": survey.lines, **counts})


def _thresholds(config: "SplitSlice", survey: _Survey) -> Thresholds:
    if len(config.languages) > 1:
        return Thresholds.fixed(valid=config.valid_fraction, test=config.test_fraction)
    if survey.distinct < _FEWEST_DISTINCT:
        return Thresholds(train=0, test=WHOLE)
    share = Thresholds.fixed(
        valid=min(config.valid_fraction, config.max_valid_lines / survey.lines),
        test=min(config.test_fraction, config.max_test_lines / survey.lines),
    )
    # The outermost lines are always held out, so that no side is empty.
    return Thresholds(
        train=max(share.train, survey.lowest + 1), test=min(share.test, survey.highest)
    )


def _survey(context: StageContext[SplitSlice], text: Path) -> _Survey:
    lines, lowest, highest = 0, WHOLE, -1
    distinct: set[int] = set()
    for row in _rows(context, text):
        lines += 1
        if len(row) == 1:
            found = _position(context.config, row)
            lowest, highest = min(lowest, found), max(highest, found)
            if len(distinct) < _FEWEST_DISTINCT:
                distinct.add(found)
    return _Survey(lines, lowest, highest, len(distinct))


def _divide(
    context: StageContext[SplitSlice], text: Path, survey: _Survey, thresholds: Thresholds
) -> dict[str, int]:
    config = context.config
    shuffled = config.order == "shuffled"
    held_out = {
        "valid": Selection(config.max_valid_lines),
        "test": Selection(config.max_test_lines),
    }
    total_bytes = sum(path.stat().st_size for path in _paths(config, text))
    counts: dict[str, int] = {}
    context.out.mkdir(parents=True, exist_ok=True)
    for leftover in context.out.glob("*.txt"):
        leftover.unlink()
    with ExitStack() as stack:
        shuffle = stack.enter_context(Shuffle(context.scratch / "shuffle", total_bytes))
        train = stack.enter_context(_writer(context, "train"))
        for number, row in enumerate(_rows(context, text)):
            side = thresholds.side(_position(config, row))
            order = rank(row[0], number, config.seed)
            if side != "train":
                held_out[side].add(order, number, row)
            elif shuffled:
                shuffle.add(order, row)
            else:
                train.write(row)
            if number % _PROGRESS_EVERY == 0:
                context.progress.update(number, survey.lines, "lines")
        if shuffled:
            for row in shuffle.rows(len(config.languages)):
                train.write(row)
    counts |= {"train_lines": train.lines, "train_shards": train.shards}
    for name, selection in held_out.items():
        with _writer(context, name) as writer:
            for row in selection.rows(shuffled=shuffled):
                writer.write(row)
        counts |= {f"{name}_lines": writer.lines, f"{name}_over_cap": selection.dropped}
    return counts


def _writer(context: StageContext[SplitSlice], name: str) -> ShardWriter:
    return ShardWriter(context.out, name, context.config.languages, context.config.lines_per_shard)


def _position(config: "SplitSlice", row: Row) -> int:
    if len(row) == 1:
        return position(row[0].strip(), config.seed)
    english = config.languages.index(ENGLISH)
    return position(normalised(row[english]), config.seed)


def _paths(config: "SplitSlice", text: Path) -> list[Path]:
    if len(config.languages) == 1:
        return [text / "text.txt"]
    return [text / f"text.{code}.txt" for code in config.languages]


def _rows(context: StageContext[SplitSlice], text: Path) -> Iterator[Row]:
    paths = _paths(context.config, text)
    with ExitStack() as stack:
        files = [stack.enter_context(path.open(encoding="utf-8", newline="\n")) for path in paths]
        for lines in zip_longest(*files):
            if None in lines:
                names = " and ".join(path.name for path in paths)
                raise DataError(
                    f"{context.unit}: {names} differ in their number of lines",
                    fix="rebuild with --refresh extract-parallel",
                )
            yield tuple(line.removesuffix("\n") for line in lines)
