"""The tables of `scaling_data.py`: growth, memory, workers, and the extrapolation to the paper.

The text of an enlarged dump is 0.62 of its XML, that of a real one about 0.2. So extraction is
extrapolated by bytes of XML, and all later stages by bytes of text.
"""

import math
from itertools import pairwise
from typing import Any

from xlm.display.markdown import table

Run = dict[str, Any]

PAPER_XML_GB = 270.0
PAPER_PAIRS_GB = 27.0
PAPER_TEXT_GB = 79.0
"""Assumed: 15 dumps with 270 GB of XML, 52 GB of text in them, and 115 million pairs."""
PAPER_SAMPLE_GB = 2.6
"""Text of the 20 million lines that the merges of xnli15 are learned from."""

BOUNDS = {
    "extract-wiki": "nothing: parts of dumps",
    "extract-parallel": "one corpus of a pair, which its zip format keeps in one process",
    "split": "nothing: ranges of lines, then shards",
    "tokenize": "nothing: shards, in every language",
    "learn-bpe": "fastBPE is one thread; use the deterministic learner",
    "learn-bpe, deterministic": "the merges are one thread; words are counted by all workers",
    "apply-bpe": "nothing: shards",
    "vocabulary": "the driver adds one table of counts a shard",
    "shard": "nothing: shards",
}
"""What keeps a stage from using every core."""


def growth_table(record: dict[str, Any]) -> str:
    """CPU time and artifact of each stage by size, with the most workers."""
    sizes, workers = _sizes(record), _workers(record)[-1]
    rows = []
    for stage, runs in _by_stage(record, workers).items():
        seconds = [run["cpu_seconds"] for run in runs]
        last = runs[-1]
        rows.append([
            stage,
            " / ".join(f"{value:.1f}" for value in seconds),
            f"{_exponent(runs):.2f}" if len(runs) > 1 else "",
            _megabytes(last["artifact_bytes"]),
            _megabytes(last["transient_bytes"]),
        ])  # fmt: skip
    times = " / ".join(f"{size}x" for size in sizes)
    header = [
        "stage", f"CPU seconds, {times}", "exponent", f"artifact, {sizes[-1]}x, MB",
        "on disk meanwhile, MB",
    ]  # fmt: skip
    return table(header, rows)


def memory_table(record: dict[str, Any]) -> str:
    """Memory of the largest process and of all processes by size, with the most workers."""
    sizes, workers = _sizes(record), _workers(record)[-1]
    rows = []
    for stage, runs in _by_stage(record, workers).items():
        peaks = [run["process_bytes"] for run in runs]
        growth = [100 * (after / before - 1) for before, after in pairwise(peaks)]
        rows.append([
            stage,
            " / ".join(map(_megabytes, peaks)),
            " / ".join(f"{value:+.0f} %" for value in growth),
            " / ".join(_megabytes(run["tree_bytes"]) for run in runs),
        ])  # fmt: skip
    times = " / ".join(f"{size}x" for size in sizes)
    header = ["stage", f"largest process, MB, {times}", "growth", f"all processes, MB, {times}"]
    return table(header, rows)


def workers_table(record: dict[str, Any]) -> str:
    """CPU and wall time of the largest size by number of workers."""
    numbers, size = _workers(record), _sizes(record)[-1]
    columns = [
        {run["stage"]: run for run in record["runs"]
         if run["workers"] == workers and run["size"] == size}
        for workers in numbers
    ]  # fmt: skip
    rows = [
        [stage]
        + [f"{of[stage]['cpu_seconds']:.1f} s" for of in columns]
        + [f"{of[stage]['wall_seconds']:.1f} s" for of in columns]
        + [f"{of[stage]['cpu_seconds'] / of[stage]['wall_seconds']:.2f}" for of in columns]
        for stage in columns[0]
    ]
    header = ["stage"] + [
        f"{name}, {workers} {'worker' if workers == 1 else 'workers'}"
        for name in ("CPU", "wall", "cores in use")
        for workers in numbers
    ]
    return table(header, rows)


def paper_table(record: dict[str, Any]) -> str:
    """CPU hours of the paper's data, and wall hours on 2 and on 64 cores."""
    workers = _workers(record)[-1]
    rows, totals = [], [0.0, 0.0, 0.0]
    text = [run["artifact_bytes"] for run in _by_stage(record, workers)["split"]]
    for stage, runs in _by_stage(record, workers).items():
        gigabytes, scale = _amount(record, stage, runs, text)
        cpu = _slope(runs, gigabytes, "cpu_seconds") * scale / 3600
        alone = _slope(runs, gigabytes, "driver_seconds") * scale / 3600
        if stage == "learn-bpe":
            continue  # 50 to 80 GB of memory: the paper's profile uses the other learner
        if stage == "learn-bpe, deterministic":
            alone = cpu
        walls = [max(cpu / cores, alone) for cores in (2, 64)]
        totals = [a + b for a, b in zip(totals, [cpu, *walls], strict=True)]
        rows.append([stage, f"{cpu:.1f}", *(_hours(wall) for wall in walls), BOUNDS[stage]])
    rows.append(["all", f"{totals[0]:.1f}", *map(_hours, totals[1:]), ""])
    header = ["stage", "CPU hours", "wall, 2 cores", "wall, 64 cores", "what bounds it"]
    return table(header, rows)


def _amount(
    record: dict[str, Any], stage: str, runs: list[Run], text: list[int]
) -> tuple[list[float], float]:
    """What the runs read, in GB of the quantity that the paper has so many GB of."""
    if stage == "extract-wiki":
        return [run["size"] * record["megabytes"] / 1000 for run in runs], PAPER_XML_GB
    if stage == "extract-parallel":
        return [run["artifact_bytes"] / 1e9 for run in runs], PAPER_PAIRS_GB
    of_text = [size_bytes / 1e9 for size_bytes in text]
    return of_text, PAPER_SAMPLE_GB if stage.startswith("learn-bpe") else PAPER_TEXT_GB


def _slope(runs: list[Run], gigabytes: list[float], name: str) -> float:
    """Seconds for each further GB between the last two sizes, so that no start-up counts."""
    before, after = (runs[-2][name], runs[-1][name]) if len(runs) > 1 else (0.0, runs[0][name])
    amount = gigabytes[-1] - gigabytes[-2] if len(runs) > 1 else gigabytes[0]
    return max(0.0, float(after - before)) / amount


def _exponent(runs: list[Run]) -> float:
    """The exponent of growth between the last two sizes."""
    before, after = runs[-2:]
    ratio = math.log(after["cpu_seconds"] / before["cpu_seconds"])
    return ratio / math.log(after["size"] / before["size"])


def _by_stage(record: dict[str, Any], workers: int) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    for run in record["runs"]:
        if run["workers"] == workers:
            found.setdefault(run["stage"], []).append(run)
    return found


def _sizes(record: dict[str, Any]) -> list[int]:
    return sorted({run["size"] for run in record["runs"]})


def _workers(record: dict[str, Any]) -> list[int]:
    return sorted({run["workers"] for run in record["runs"]})


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f}" if size_bytes < 9_950_000 else f"{size_bytes / 1e6:,.0f}"


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 0.95 else f"{60 * hours:.0f} min"
