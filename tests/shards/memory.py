"""Write, copy and read a corpus; print the peak memory of this process in bytes.

    python tests/shards/memory.py FOLDER BLOCKS KIND

A block is a million tokens; KIND is `mono` or `pair`.
"""

import sys
from pathlib import Path

import numpy as np

from tests.shards.rows import HASH, VOCABULARY
from xlm.dataloader.sampling.pairs import joined_lengths, split_into_batches
from xlm.dataloader.sampling.streams import Stream
from xlm.shards.lines import Lines
from xlm.shards.random_access.flat_copy import open_flat_lines, open_flat_pairs
from xlm.shards.reader import ShardReader
from xlm.shards.writer import ShardWriter

BLOCK = 1_000_000
LINE = 50
BLOCKS_PER_SHARD = 6


def write(folder: Path, blocks: int, kind: str) -> None:
    """Write shards of six blocks each."""
    ids = np.random.default_rng(0).integers(14, 1000, BLOCK, dtype=np.int32)
    lines = Lines(ids, np.arange(0, BLOCK + 1, LINE))
    half = lines.slice(0, len(lines) // 2)
    for shard in range(0, blocks, BLOCKS_PER_SHARD):
        with (
            ShardWriter(
                folder / f"train.{shard:05d}.parquet",
                kind=kind,  # type: ignore[arg-type]
                languages=("en", "sw")[: 1 + (kind == "pair")],
                split="train",
                vocabulary=VOCABULARY,
                row_group_tokens=BLOCK,
                compression_level=1,
            ) as writer
        ):
            for _ in range(min(BLOCKS_PER_SHARD, blocks - shard)):
                writer.write([lines] if kind == "mono" else [half, half])


def read(folder: Path, kind: str) -> int:
    """Read all chunks of an epoch, or 3,000 batches of pairs; return the number of tokens."""
    reader, random = ShardReader(folder, "train", HASH), np.random.default_rng(1)
    if kind == "mono":
        stream = Stream(open_flat_lines(reader, folder / "ids", "sw"), rows=64, tokens=256)
        return sum(stream.chunk(k).size for k in random.permutation(len(stream)).tolist())
    pairs = open_flat_pairs(reader, folder / "ids", "en-sw", longest_side=100)
    groups = split_into_batches(joined_lengths(pairs.lengths_N2), 4000, random)
    return sum(pairs.take(groups[i])[0].lengths_B.sum() for i in range(min(len(groups), 3000)))


def peak_bytes() -> int:
    """Return the peak resident size of this program, without that of its parent."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.split("\n") if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write(folder, int(sys.argv[2]), sys.argv[3])
    assert read(folder, sys.argv[3])
    print(peak_bytes())
