"""The split stage: the lines of one language or pair to train, valid and test.

Two passes over the text with flat memory: one to count, one to divide. A line above a cap is
dropped from its held-out side and counted; it never trains, or two pairs could disagree on it.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from xlm.config.data.corpus import SplitSlice
from xlm.config.languages.pairs import ENGLISH
from xlm.corpus.split.line_files import Row, Selection, ShardWriter, Shuffle
from xlm.corpus.split.sides import WHOLE, Thresholds, normalised, position, rank
from xlm.engine.stage import Outcome, Work
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


def split(work: Work[SplitSlice], text: Path) -> Outcome:
    """Write the shards of train, valid and test into `work.out`.

    Raises:
        DataError: there is no line to split, or the sides of a pair have unequal line counts.
    """
    survey = _survey(work, text)
    if survey.lines == 0:
        raise DataError(f"{work.unit}: no line to split", fix="check the sources of this language")
    thresholds = _thresholds(work.config, survey)
    counts = _divide(work, text, survey, thresholds)
    if len(work.config.languages) == 1 and counts["train_lines"] == 0 and survey.distinct > 2:
        # A handful of lines, all held out: only the outermost two stay so.
        extremes = Thresholds(train=survey.lowest + 1, test=survey.highest)
        counts = _divide(work, text, survey, extremes)
    return Outcome(counts={"input_lines": survey.lines, **counts})


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


def _survey(work: Work[SplitSlice], text: Path) -> _Survey:
    lines, lowest, highest = 0, WHOLE, -1
    distinct: set[int] = set()
    for row in _rows(work, text):
        lines += 1
        if len(row) == 1:
            found = _position(work.config, row)
            lowest, highest = min(lowest, found), max(highest, found)
            if len(distinct) < _FEWEST_DISTINCT:
                distinct.add(found)
    return _Survey(lines, lowest, highest, len(distinct))


def _divide(
    work: Work[SplitSlice], text: Path, survey: _Survey, thresholds: Thresholds
) -> dict[str, int]:
    config = work.config
    shuffled = config.order == "shuffled"
    held_out = {
        "valid": Selection(config.max_valid_lines),
        "test": Selection(config.max_test_lines),
    }
    total_bytes = sum(path.stat().st_size for path in _paths(config, text))
    counts: dict[str, int] = {}
    work.out.mkdir(parents=True, exist_ok=True)
    for leftover in work.out.glob("*.txt"):
        leftover.unlink()
    with ExitStack() as stack:
        shuffle = stack.enter_context(Shuffle(work.scratch / "shuffle", total_bytes))
        train = stack.enter_context(_writer(work, "train"))
        for number, row in enumerate(_rows(work, text)):
            side = thresholds.side(_position(config, row))
            order = rank(row[0], number, config.seed)
            if side != "train":
                held_out[side].add(order, number, row)
            elif shuffled:
                shuffle.add(order, row)
            else:
                train.write(row)
            if number % _PROGRESS_EVERY == 0:
                work.progress.update(number, survey.lines, "lines")
        if shuffled:
            for row in shuffle.rows(len(config.languages)):
                train.write(row)
    counts |= {"train_lines": train.lines, "train_shards": train.shards}
    for name, selection in held_out.items():
        with _writer(work, name) as writer:
            for row in selection.rows(shuffled=shuffled):
                writer.write(row)
        counts |= {f"{name}_lines": writer.lines, f"{name}_over_cap": selection.dropped}
    return counts


def _writer(work: Work[SplitSlice], name: str) -> ShardWriter:
    return ShardWriter(work.out, name, work.config.languages, work.config.lines_per_shard)


def _position(config: "SplitSlice", row: Row) -> int:
    if len(row) == 1:
        return position(row[0].strip(), config.seed)
    english = config.languages.index(ENGLISH)
    return position(normalised(row[english]), config.seed)


def _paths(config: "SplitSlice", text: Path) -> list[Path]:
    if len(config.languages) == 1:
        return [text / "text.txt"]
    return [text / f"text.{code}.txt" for code in config.languages]


def _rows(work: Work[SplitSlice], text: Path) -> Iterator[Row]:
    paths = _paths(work.config, text)
    with ExitStack() as stack:
        files = [stack.enter_context(path.open(encoding="utf-8", newline="\n")) for path in paths]
        for lines in zip_longest(*files):
            if None in lines:
                names = " and ".join(path.name for path in paths)
                raise DataError(
                    f"{work.unit}: {names} differ in their number of lines",
                    fix="rebuild with --refresh extract-parallel",
                )
            yield tuple(line.removesuffix("\n") for line in lines)
