"""Compare learning and applying BPE merges with fastBPE and Hugging Face's `tokenizers`.

    .venv/bin/python bench/bpe.py [--mirror FOLDER] [--scratch ./data/bench]

All programs of a table take turns for several rounds; the fastest round of each counts. Writes
bench/results/bpe.json and the tables in docs/reference/performance/text.md.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import Queue, get_context
from pathlib import Path
from typing import Any

from pages import fill
from real_text import write_real_text, write_tail

from xlm.bpe import apply
from xlm.bpe.apply import apply_bpe_to_file
from xlm.bpe.counting import count_tokens
from xlm.bpe.learning.learners import find_fastbpe, find_learn_bpe
from xlm.display.markdown import format_decimal, format_integer, format_size, table
from xlm.engine.building.machine import machine_record
from xlm.processes.programs import stream_process

HOME = Path(__file__).resolve().parent
NUM_MERGES = 30_000
TYPES = 1_000_000
SHARDS = 16
PROCESSES = 2
CORES = sorted(os.sched_getaffinity(0))

TOKENIZERS = """
import sys, time
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
text, size = sys.argv[1], int(sys.argv[2])
tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("[ \\n]+"), "removed")
trainer = trainers.BpeTrainer(
    vocab_size=size, end_of_word_suffix="</w>", show_progress=False, special_tokens=[]
)
start = time.perf_counter()
tokenizer.train([text], trainer)
print("seconds", time.perf_counter() - start)
print("vocabulary", tokenizer.get_vocab_size())
"""


def main() -> None:
    """Prepare the texts, run the benchmarks, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mirror", help="folder or URL of a mirror of the hosts")
    parser.add_argument("--scratch", type=Path, default=HOME.parent / "data" / "bench")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    scratch: Path = arguments.scratch
    scratch.mkdir(parents=True, exist_ok=True)
    real, tailed = scratch / "real.txt", scratch / "tailed.txt"
    if not real.exists():
        write_real_text(scratch, arguments.mirror, scratch / "real.part")
        (scratch / "real.part").rename(real)
    write_tail(count_tokens(real), scratch / "tail.part", types=TYPES)
    tailed.write_bytes(real.read_bytes() + (scratch / "tail.part").read_bytes())
    record = {
        "machine": machine_record() | {"host": "", "processor": _processor()},
        "learn": {
            "real text": bench_learning(real, scratch, arguments.rounds),
            "with a synthetic tail": bench_learning(tailed, scratch, arguments.rounds),
        },
        "apply": bench_applying(real, scratch / "learn-bpe.codes", scratch, arguments.rounds),
    }
    (HOME / "results").mkdir(exist_ok=True)
    (HOME / "results" / "bpe.json").write_text(json.dumps(record, indent=1) + "\n")
    fill("reference/performance/text.md", "learn", learning_table(record["learn"]))
    fill("reference/performance/text.md", "apply", applying_table(record["apply"]))


def bench_learning(text: Path, scratch: Path, rounds: int) -> dict[str, Any]:
    """Measure the seconds and the peak memory of each learner on a text."""
    words = count_tokens(text)
    symbols = {character for word in words for character in word}
    symbols |= {f"{word[-1]}</w>" for word in words}
    ours = [str(find_learn_bpe()), str(NUM_MERGES), str(text), "--threads"]
    trainer = [sys.executable, "-c", TOKENIZERS, str(text), str(NUM_MERGES + len(symbols))]
    commands = {
        "fastBPE (C++)": [str(find_fastbpe()), "learnbpe", str(NUM_MERGES), str(text)],
        "tokenizers' BpeTrainer": trainer,
        "deterministic, 1 thread": [*ours, "1"],
        "deterministic, 2 threads": [*ours, "2"],
    }
    found: dict[str, dict[str, Any]] = {
        name: {"seconds": [], "peak_memory_bytes": 0} for name in commands
    }
    codes: dict[str, bytes] = {}
    for _ in range(rounds):
        for name, command in commands.items():
            lines: list[bytes] = []
            start = time.perf_counter()
            process = stream_process(
                command,
                log_path=scratch / "learner.log",
                on_line=lambda line, lines=lines: lines.append(line) or True,
            )
            seconds = time.perf_counter() - start
            if name.startswith("tokenizers"):  # without the startup of Python
                seconds = float(lines[0].split()[1])
            else:
                assert len(lines) == NUM_MERGES, f"{name}: {len(lines)} merges"
                codes[name] = b"".join(lines)
            print(
                f"{name:26} {seconds:8.2f} s {format_size(process.peak_memory_bytes)}", flush=True
            )
            one = found[name]
            one["seconds"].append(round(seconds, 3))
            one["peak_memory_bytes"] = max(one["peak_memory_bytes"], process.peak_memory_bytes)
    one_thread, two_threads = (codes[f"deterministic, {n}"] for n in ("1 thread", "2 threads"))
    assert one_thread == two_threads
    (scratch / "learn-bpe.codes").write_bytes(one_thread)
    return {
        "bytes": text.stat().st_size,
        "words": words.total(),
        "types": len(words),
        "codes": NUM_MERGES,
        "learners": found,
    }


def bench_applying(text: Path, codes: Path, scratch: Path, rounds: int) -> dict[str, Any]:
    """Measure the fastBPE module, and `apply_bpe_to_file` in one process and in several."""
    shards = _write_shards(text, scratch)
    runs: dict[str, Callable[[], float]] = {
        "fastBPE's module, 1 process": lambda: _apply_module(shards, codes),
        "ours, 1 process": lambda: _apply_ours(shards, codes),
        f"ours, {PROCESSES} processes": lambda: _apply_in_processes(shards, codes),
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    os.sched_setaffinity(0, {CORES[-1]})  # pin each process to one core
    for _ in range(rounds):
        for name, run in runs.items():
            found[name].append(round(run(), 3))
            print(f"{name:28} {found[name][-1]:8.2f} s", flush=True)
    for (
        shard
    ) in shards:  # the module joins words with one space, `apply_bpe_to_file` preserves spaces
        bare, ours = (shard.with_suffix(end).read_bytes().split() for end in (".bare", ".ours"))
        assert bare == ours, shard
    os.sched_setaffinity(0, CORES)
    return {"bytes": text.stat().st_size, "codes": NUM_MERGES, "shards": SHARDS, "seconds": found}


def _write_shards(text: Path, scratch: Path) -> list[Path]:
    shards = [scratch / f"shard.{number:02}.txt" for number in range(SHARDS)]
    with text.open("rb") as lines:
        count = sum(1 for _ in lines)
        lines.seek(0)
        for number, shard in enumerate(shards):
            lines_here = count * (number + 1) // SHARDS - count * number // SHARDS
            shard.write_bytes(b"".join(islice(lines, lines_here)))
    return shards


def _apply_module(shards: Sequence[Path], codes: Path) -> float:
    """Read lines, apply the module and write lines; its codes file is already loaded."""
    from fastBPE import fastBPE

    module = fastBPE(str(codes))
    start = time.perf_counter()
    for shard in shards:
        lines = shard.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        text = "".join(line + "\n" for line in module.apply(lines))
        shard.with_suffix(".bare").write_text(text, encoding="utf-8", newline="\n")
    return time.perf_counter() - start


def _apply_ours(shards: Sequence[Path], codes: Path) -> float:
    """Start with an empty cache of words; the codes file is already loaded."""
    apply._load_applier.cache_clear()
    apply._load_applier(codes)
    start = time.perf_counter()
    for shard in shards:
        _apply_one(shard, codes)
    return time.perf_counter() - start


def _apply_in_processes(shards: Sequence[Path], codes: Path) -> float:
    context = get_context("spawn")
    cores = context.Queue()
    for number in range(PROCESSES):
        cores.put(CORES[number % len(CORES)])
    with ProcessPoolExecutor(PROCESSES, context, _pin_and_load, (codes, cores)) as pool:
        list(pool.map(time.sleep, [1.0] * PROCESSES))  # until all have loaded the codes file
        start = time.perf_counter()
        list(pool.map(_apply_one, shards, [codes] * len(shards)))
        return time.perf_counter() - start


def _pin_and_load(codes: Path, cores: "Queue[int]") -> None:
    os.sched_setaffinity(0, {cores.get()})
    apply._load_applier(codes)


def _apply_one(shard: Path, codes: Path) -> None:
    apply_bpe_to_file(shard, shard.with_suffix(".ours"), codes=codes, labelled=False)


def learning_table(learned: dict[str, Any]) -> str:
    """Render a table for each text, with the ratio to fastBPE."""
    parts = []
    for name, text in learned.items():
        reference = min(text["learners"]["fastBPE (C++)"]["seconds"])
        rows = [
            (
                learner,
                f"{format_decimal(min(one['seconds']))} s",
                f"{format_decimal(reference / min(one['seconds']), 1)} x",
                format_size(one["peak_memory_bytes"]),
            )
            for learner, one in text["learners"].items()
        ]
        parts += [
            f"{text['codes']:,} merges, {name}: {format_size(text['bytes'])}, "
            f"{format_integer(text['words'])} words of {format_integer(text['types'])} types",
            table(("learner", "time", "against fastBPE", "peak memory"), rows),
        ]
    return "\n\n".join(parts)


def applying_table(applied: dict[str, Any]) -> str:
    """Render the throughput, with the ratio to the module."""
    fastest = {name: min(seconds) for name, seconds in applied["seconds"].items()}
    reference = next(iter(fastest.values()))
    rows = [
        (
            name,
            f"{format_decimal(seconds)} s",
            f"{format_decimal(applied['bytes'] / 1e6 / seconds, 1)} MB/s",
            f"{format_decimal(reference / seconds, 1)} x",
        )
        for name, seconds in fastest.items()
    ]
    return table(("", f"{format_size(applied['bytes'])}", "throughput", "against the module"), rows)


def _processor() -> str:
    names = _lines_of(Path("/proc/cpuinfo"), "model name")
    return next(names, platform.processor())


def _lines_of(path: Path, name: str) -> Iterator[str]:
    lines = path.read_text().split("\n") if path.exists() else []
    return (line.partition(":")[2].strip() for line in lines if line.startswith(name))


if __name__ == "__main__":
    main()
