"""Text with pieces in, one Parquet shard out; the bytes follow from text and vocabulary alone.

write_shard([text], target, kind="mono", languages=("sw",), split="train", vocabulary=folder, ...)
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np

from xlm.bpe.vocabulary import Vocabulary, load_vocabulary
from xlm.errors import DataError
from xlm.shards.encoder import LineEncoder
from xlm.shards.schema import ID_COLUMNS, LABELS, ShardKind
from xlm.shards.writer import NO_LABELS, Block, ShardWriter

_BLOCK_CHARACTERS = 4 << 20
"""Text of the first side that is encoded at once."""


def write_shard(
    sources: Sequence[Path],
    target: Path,
    *,
    kind: ShardKind,
    languages: Sequence[str],
    split: str,
    vocabulary: Path,
    row_group_tokens: int,
    compression_level: int,
) -> dict[str, int]:
    """Turn one text file (a pair: both sides; XNLI: the table) into one shard; return its counts.

    Raises:
        DataError: a side is missing, the sides differ in length, or an XNLI row is malformed.
    """
    expected = 1 if kind == "xnli" else len(ID_COLUMNS[kind])
    if len(sources) != expected:
        names = ", ".join(str(source) for source in sources)
        raise DataError(
            f"a shard of kind {kind!r} is made from {expected} text files, not from {names}",
            fix="rebuild the artifacts above this one",
        )
    loaded, encoder = _vocabulary(vocabulary)
    with ShardWriter(
        target,
        kind=kind,
        languages=languages,
        split=split,
        vocabulary=loaded,
        row_group_tokens=row_group_tokens,
        compression_level=compression_level,
    ) as writer:
        blocks = _inferences(sources[0], encoder) if kind == "xnli" else _blocks(sources, encoder)
        for columns, labels in blocks:
            writer.write(columns, labels)
    return writer.counts


@cache
def _vocabulary(directory: Path) -> tuple[Vocabulary, LineEncoder]:
    vocabulary = load_vocabulary(directory)
    return vocabulary, LineEncoder(vocabulary)


def _blocks(sources: Sequence[Path], encoder: LineEncoder) -> Iterator[Block]:
    for texts in _texts(sources):
        yield [encoder.encode(side) for side in texts], NO_LABELS


def _texts(sources: Sequence[Path]) -> Iterator[Sequence[Sequence[str]]]:
    """The same lines of each file, about four million characters of the first at a time."""
    done = 0
    with ExitStack() as stack:
        first, *others = [
            stack.enter_context(source.open(encoding="utf-8", newline="\n")) for source in sources
        ]
        while True:
            lines = first.readlines(_BLOCK_CHARACTERS)
            # Where the first file has ended, ask the others for one line that they must not have.
            sides = [lines, *(list(islice(other, len(lines) or 1)) for other in others)]
            shortest, longest = min(map(len, sides)), max(map(len, sides))
            if shortest < longest:
                ended = sources[next(i for i, side in enumerate(sides) if len(side) == shortest)]
                raise DataError(
                    f"{ended} ends before line {done + shortest + 1}, "
                    "the other side of the pair goes on",
                    fix="rebuild the artifacts above this one",
                )
            if not lines:
                return
            yield sides
            done += len(lines)


def _inferences(source: Path, encoder: LineEncoder) -> Iterator[Block]:
    done = 0
    for (lines,) in _texts([source]):
        rows = []
        for number, line in enumerate(lines, start=done + 1):
            fields = line.removesuffix("\n").split("\t")
            if len(fields) != 3 or fields[2] not in LABELS:
                raise DataError(
                    f"{source}, line {number}: not premise, hypothesis and a label of {LABELS}",
                    fix="rebuild extract-xnli",
                )
            rows.append(fields)
        done += len(rows)
        columns = [encoder.encode([row[column] for row in rows]) for column in range(2)]
        yield columns, np.array([LABELS.index(row[2]) for row in rows], dtype=np.int8)
