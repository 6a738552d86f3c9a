"""Benchmark shards: Parquet layouts, writing, reading, and the loader's share of a training step.

    .venv/bin/python bench/shards.py [--shared ../shared] [--tokens 30000000] [--rounds 5]

Uses one thread and measures CPU time (user and kernel), since other programs may run. Files are in
the page cache, so only the flush of the flat copy waits for the disk. The compared functions take
turns, and the fastest round of each counts. Writes bench/results/shards.json and
docs/reference/performance/shards.md.
"""

import argparse
import json
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pages import fill
from shard_inputs import load_lines, repeated, texts_of
from shard_steps import loader_shares

from xlm.bpe.vocabulary import Vocabulary, write_vocabulary
from xlm.dataloader.sampling.pairs import joined_lengths, split_into_batches
from xlm.dataloader.sampling.streams import Stream
from xlm.display.markdown import table
from xlm.engine.building.machine import machine_record
from xlm.shards.from_text import write_shard
from xlm.shards.lines import Lines
from xlm.shards.random_access.flat_copy import (
    FlatLines,
    FlatPairs,
    open_flat_lines,
    open_flat_pairs,
)
from xlm.shards.reader import ShardReader
from xlm.shards.writer import ShardWriter

HOME = Path(__file__).resolve().parent
ROWS, WIDTH, BUDGET = 64, 256, 4000
SETTINGS = {"row_group_tokens": 1_000_000, "compression_level": 3}

Work = Callable[[], object]


def fastest(ways: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Return the CPU seconds of the fastest round of each function; they take turns."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, work in ways.items():
            start = time.process_time()
            work()
            best[name] = min(best[name], time.process_time() - start)
    return best


def layouts(lines: Lines, folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Write and read one row group in each layout."""
    tables = _layout_tables(lines)

    def write(name: str) -> None:
        content, options = tables[name]
        pq.write_table(
            content, folder / "one.parquet", compression="zstd", compression_level=3,
            row_group_size=len(content), **options,
        )  # fmt: skip

    def read(name: str) -> None:
        checked = "checksums" in name
        with pq.ParquetFile(
            folder / "one.parquet", memory_map=True, page_checksum_verification=checked
        ) as file:
            file.read_row_group(0, use_threads=False)

    found = []
    for name in tables:
        seconds = fastest({"write": partial(write, name), "read": partial(read, name)}, rounds)
        found.append(
            {
                "layout": name,
                "bytes_per_token": (folder / "one.parquet").stat().st_size / lines.num_tokens,
                **{f"{way}_tokens_per_second": lines.num_tokens / s for way, s in seconds.items()},
            }
        )
    return found


def _layout_tables(lines: Lines) -> dict[str, tuple[Any, dict[str, Any]]]:
    offsets, ids = pa.array(lines.offsets.astype(np.int32)), pa.array(lines.ids)
    strict = pa.list_(pa.field("element", pa.int32(), nullable=False))
    nullable = pa.table({"ids": pa.ListArray.from_arrays(offsets, ids)})
    required = pa.Table.from_arrays(
        [pa.ListArray.from_arrays(offsets, ids, type=strict)],
        schema=pa.schema([pa.field("ids", strict, nullable=False)]),
    )
    flat = pa.Table.from_arrays(
        [ids], schema=pa.schema([pa.field("ids", pa.int32(), nullable=False)])
    )
    raw = pa.Array.from_buffers(
        pa.binary(),
        len(lines),
        [None, pa.py_buffer(offsets.to_numpy() * 4), pa.py_buffer(lines.ids)],
    )
    plain = {"use_dictionary": False}
    split = {**plain, "column_encoding": "BYTE_STREAM_SPLIT"}
    delta = {**plain, "column_encoding": "DELTA_BINARY_PACKED"}
    return {
        "list, nullable (format 1)": (nullable, {}),
        "list": (required, {}),
        "list, checksums (format 2)": (required, {"write_page_checksum": True}),
        "list, plain": (required, plain),
        "list, delta": (required, delta),
        "list, byte split": (required, split),
        "bytes of a line": (pa.table({"ids": raw}), plain),
        "flat ids without lines": (flat, {}),
    }


def writing(lines: Lines, vocabulary: Vocabulary, folder: Path, rounds: int) -> dict[str, Any]:
    """Write text to a shard, with this package and with lists of Python integers."""
    text = texts_of(lines, vocabulary)
    (folder / "vocabulary").mkdir()
    write_vocabulary(vocabulary, folder / "vocabulary")
    (folder / "text").write_text(text, encoding="utf-8", newline="\n")
    settings = {"kind": "mono", "languages": ("sw",), "split": "train"}

    def ours() -> None:
        write_shard(
            [folder / "text"], folder / "train.00000.parquet",
            vocabulary=folder / "vocabulary", **settings, **SETTINGS,
        )  # fmt: skip

    def plain() -> None:
        with (folder / "text").open(encoding="utf-8", newline="\n") as file:
            rows = [vocabulary.ids(line.split()) for line in file]
        pq.write_table(pa.table({"ids": rows}), folder / "plain.parquet", compression="zstd")

    def ids_only() -> None:
        with ShardWriter(
            folder / "ids.parquet", vocabulary=vocabulary, **settings, **SETTINGS
        ) as writer:
            writer.write([lines])

    ways = {"text to shard": ours, "lists of integers": plain, "ids to shard": ids_only}
    seconds = fastest(ways, rounds)
    return {
        name: {
            "tokens_per_second": lines.num_tokens / s,
            "text_bytes_per_second": len(text.encode()) / s,
        }
        for name, s in seconds.items()
    }


def reading(
    lines: Lines, vocabulary: Vocabulary, folder: Path, tokens: int, rounds: int
) -> dict[str, float]:
    """Measure tokens per second of row groups, flat copies, stream batches and pair batches."""
    mono, pair = folder / "mono", folder / "pair"
    half = len(lines) // 2
    sides = [lines.slice(0, half), lines.slice(half, 2 * half)]
    for directory, languages, columns in ((mono, ("sw",), [lines]), (pair, ("en", "sw"), sides)):
        directory.mkdir()
        with ShardWriter(
            directory / "train.00000.parquet", kind=directory.name, languages=languages,
            split="train", vocabulary=vocabulary, **SETTINGS,
        ) as writer:  # fmt: skip
            for _ in repeated(lines, tokens):
                writer.write(columns)
    reader = ShardReader(mono, "train", vocabulary.hash)
    flat = open_flat_lines(reader, folder / "ids", "sw")
    pair_reader = ShardReader(pair, "train", vocabulary.hash)
    pairs = open_flat_pairs(pair_reader, folder / "ids", "en-sw", longest_side=100)
    mapped = np.memmap(folder / "ids" / "sw.ids", dtype=np.int32, mode="r")
    ways, amounts = _batch_ways(flat, mapped, pairs)
    ways["row groups in order"] = lambda: deque(reader.blocks(), maxlen=0)
    amounts["row groups in order"] = reader.counts["tokens"]

    def write_flat_copy() -> None:
        (folder / "ids" / "sw.json").unlink()
        open_flat_lines(reader, folder / "ids", "sw")

    ways["flat copy, once per run"] = write_flat_copy
    amounts["flat copy, once per run"] = flat.num_tokens
    return {name: amounts[name] / s for name, s in fastest(ways, rounds).items()}


def _batch_ways(
    flat: FlatLines, mapped: Any, pairs: FlatPairs
) -> tuple[dict[str, Work], dict[str, int]]:
    stream = Stream(flat, rows=ROWS, tokens=WIDTH)
    order = np.random.default_rng(0).permutation(len(stream))[:500].tolist()
    padding = len(stream) * ROWS * WIDTH - flat.num_tokens
    starts_B = np.arange(ROWS, dtype=np.int64) * len(stream) * WIDTH - padding - 1

    def slices(chunk: int) -> Any:
        tokens_BT = np.empty((ROWS, WIDTH), dtype=np.int64)
        for row, start in enumerate(np.maximum(starts_B + chunk * WIDTH, 0).tolist()):
            tokens_BT[row] = mapped[start : start + WIDTH]
        return tokens_BT

    def gathered(chunk: int) -> Any:
        positions_BT = (starts_B + chunk * WIDTH)[:, None] + np.arange(WIDTH)
        return mapped[np.maximum(positions_BT, 0)].astype(np.int64)

    groups = split_into_batches(joined_lengths(pairs.lengths_N2), BUDGET, np.random.default_rng(0))
    chosen = [groups[i] for i in range(min(len(groups), 1000))]
    ways: dict[str, Work] = {
        "stream batches": lambda: [stream.chunk(k) for k in order],
        "np.memmap, one slice per row": lambda: [slices(k) for k in order],
        "np.memmap, one gather": lambda: [gathered(k) for k in order],
        "pair batches": lambda: [pairs.take(group) for group in chosen],
    }
    amounts = dict.fromkeys(ways, len(order) * ROWS * WIDTH)
    amounts["pair batches"] = sum(int(pairs.lengths_N2[group].sum()) for group in chosen)
    return ways, amounts


def main() -> None:
    """Run the benchmarks and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=HOME.parent.parent / "shared")
    parser.add_argument("--tokens", type=int, default=30_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    machine = {name: machine_record()[name] for name in ("cores", "system", "python")}
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    origin, vocabulary, lines = load_lines(arguments.shared)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record = {
            "machine": machine,
            "text": origin,
            "layouts": layouts(lines, folder, arguments.rounds),
            "writing": writing(lines, vocabulary, folder, arguments.rounds),
            "reading": reading(lines, vocabulary, folder, arguments.tokens, arguments.rounds),
            "steps": loader_shares(lines, vocabulary, folder / "steps"),
        }
    (HOME / "results" / "shards.json").write_text(json.dumps(record, indent=1) + "\n")
    render(record)


def render(record: Mapping[str, Any]) -> None:
    """Fill the tables of docs/reference/performance/shards.md, and one of training.md."""

    def millions(number: float) -> str:
        return f"{number / 1e6:.1f}"

    fill("reference/performance/shards.md", "layouts", table(
        ("layout of a row group", "bytes per token", "write, M tokens/s", "read, M tokens/s"),
        [(row["layout"], f"{row['bytes_per_token']:.2f}",
          millions(row["write_tokens_per_second"]), millions(row["read_tokens_per_second"]))
         for row in record["layouts"]],
    ))  # fmt: skip
    fill("reference/performance/shards.md", "writing", table(
        ("method", "M tokens/s", "MB of text/s"),
        [(name, millions(row["tokens_per_second"]), millions(row["text_bytes_per_second"]))
         for name, row in record["writing"].items()],
    ))  # fmt: skip
    fill("reference/performance/shards.md", "reading", table(
        ("method", "M tokens/s"),
        [(name, millions(rate)) for name, rate in record["reading"].items()],
    ))  # fmt: skip
    fill("reference/performance/training.md", "steps", table(
        ("model", "step, ms", "batch, ms", "of it reading shards, ms", "share of reading",
         "share of the batch"),
        [(row["model"], *(f"{1000 * row[key]:.2f}" for key in ("step", "batch", "read")),
          f"{100 * row['read'] / row['step']:.2f} %", f"{100 * row['batch'] / row['step']:.2f} %")
         for row in record["steps"]],
    ))  # fmt: skip


if __name__ == "__main__":
    main()
