"""Write text files of subwords as Parquet shards; the bytes depend on text and settings alone.

write_shard([text], target, kind="mono", languages=("sw",), split="train", ...)
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from itertools import islice
from pathlib import Path

from xlm.bpe.vocabulary import Vocabulary, load_vocabulary
from xlm.config.data.tasks import XNLI_LABELS
from xlm.config.data.text import UnitKind
from xlm.errors import DataError
from xlm.shards.encoder import LineEncoder
from xlm.shards.schema import ID_COLUMNS, LABELLED
from xlm.shards.writer import RowBlock, ShardWriter

_BLOCK_CHARACTERS = 1 << 20
"""Characters of the first file that are encoded at once; row groups do not depend on it."""


def write_shard(
    sources: Sequence[Path],
    target: Path,
    *,
    kind: UnitKind,
    languages: Sequence[str],
    split: str,
    vocabulary: Path,
    row_group_tokens: int,
    compression_level: int,
) -> dict[str, int]:
    """Write one shard and return its counts of lines, tokens and unknown tokens.

    Args:
        sources: one text file; for pairs the files of both sides, for labelled rows the table.
        target: Parquet file to write.
        kind: kind of the rows.
        languages: one language, or the two languages of a pair in alphabetical order.
        split: name of the split, for the metadata.
        vocabulary: folder of the `vocabulary` artifact.
        row_group_tokens: tokens per row group.
        compression_level: level of zstd.

    Raises:
        DataError: a side is missing, the sides differ in length, or a labelled row is malformed.
    """
    expected = 1 if kind in LABELLED else len(ID_COLUMNS[kind])
    if len(sources) != expected:
        names = ", ".join(str(source) for source in sources)
        raise DataError(
            f"a shard of kind {kind!r} needs {expected} text files, not {names}",
            fix="rebuild the upstream artifacts",
        )
    loaded, encoder = _load_encoder(vocabulary)
    with ShardWriter(
        target,
        kind=kind,
        languages=languages,
        split=split,
        vocabulary=loaded,
        row_group_tokens=row_group_tokens,
        compression_level=compression_level,
    ) as writer:
        if kind in LABELLED:
            for columns, labels in _labelled_rows(sources[0], kind, encoder):
                writer.write(columns, labels)
        else:
            for texts in _read_aligned(sources):
                writer.write([encoder.encode(side) for side in texts])
    return writer.counts


@cache
def _load_encoder(directory: Path) -> tuple[Vocabulary, LineEncoder]:
    vocabulary = load_vocabulary(directory)
    return vocabulary, LineEncoder(vocabulary)


def _read_aligned(sources: Sequence[Path]) -> Iterator[Sequence[Sequence[str]]]:
    """Yield the same lines of each file, about a million characters of the first at a time."""
    done = 0
    with ExitStack() as stack:
        first, *others = [
            stack.enter_context(source.open(encoding="utf-8", newline="\n")) for source in sources
        ]
        while True:
            lines = first.readlines(_BLOCK_CHARACTERS)
            # After the end of the first file, read one more line of the others: they must end too.
            sides = [lines, *(list(islice(other, len(lines) or 1)) for other in others)]
            shortest, longest = min(map(len, sides)), max(map(len, sides))
            if shortest < longest:
                ended = sources[next(i for i, side in enumerate(sides) if len(side) == shortest)]
                raise DataError(
                    f"{ended} ends before line {done + shortest + 1}, "
                    "but the other side of the pair continues",
                    fix="rebuild the upstream artifacts",
                )
            if not lines:
                return
            yield sides
            done += len(lines)


def _labelled_rows(source: Path, kind: UnitKind, encoder: LineEncoder) -> Iterator[RowBlock]:
    sentences = ID_COLUMNS[kind]
    done = 0
    for (lines,) in _read_aligned([source]):
        rows = []
        for number, line in enumerate(lines, start=done + 1):
            fields = line.removesuffix("\n").split("\t")
            known = kind != "xnli" or fields[-1] in XNLI_LABELS
            if len(fields) != len(sentences) + 1 or not known:
                raise DataError(
                    f"{source}, line {number} is not {', '.join(sentences)} and a label",
                    fix="rebuild the upstream artifacts",
                )
            rows.append(fields)
        done += len(rows)
        columns = [
            encoder.encode([row[column] for row in rows]) for column in range(len(sentences))
        ]
        yield columns, [row[-1] for row in rows]
