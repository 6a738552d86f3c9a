"""Training steps on a CPU in fp32, compared with transformers: speed and share of the peak.

    .venv/bin/python bench/train_cpu.py [--shapes small middle paper] [--threads 1 2] [--rounds 5]

Each (shape, threads) runs in a separate process with OMP_NUM_THREADS and as many cores. The
contestants take turns, one step each, so other work on the machine affects all of them equally, and
medians are reported. A bare matrix product takes part too. Shapes that are not selected keep their
former figures. Writes
bench/results/train_cpu.json and docs/reference/performance/training.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pages import fill

HOME = Path(__file__).resolve().parent
RESULTS = HOME / "results" / "train_cpu.json"
PRODUCT = 2048
"""Rows and columns of the bare matrix product."""

SHAPES: dict[str, dict[str, int]] = {
    "small": {"layers": 2, "dimension": 64, "heads": 4, "vocabulary": 4096, "rows": 16},
    "middle": {"layers": 4, "dimension": 256, "heads": 8, "vocabulary": 4096, "rows": 16},
    "paper": {"layers": 12, "dimension": 1024, "heads": 8, "vocabulary": 95_000, "rows": 4},
}
THEIRS, THEIRS_FAST, FAITHFUL, FAST = (
    "transformers",
    "transformers, no attention dropout",
    "faithful",
    "fast",
)


def main() -> None:
    """Measure the selected shapes, store the figures and update the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(measure(arguments.shapes[0], arguments.rounds)))
        return
    record = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"runs": {}}
    for shape in arguments.shapes:
        for threads in arguments.threads:
            record["runs"][f"{shape}, {threads}"] = _in_process(shape, threads, arguments.rounds)
            RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    fill("reference/performance/training.md", "train-cpu", render(record["runs"]))


def _in_process(shape: str, threads: int, rounds: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--worker", "--shapes", shape, "--rounds", str(rounds)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    cores = sorted(os.sched_getaffinity(0))[:threads]
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(name: str, rounds: int) -> dict[str, Any]:
    """Seconds per step of each contestant, and operations per second of the bare product."""
    import torch
    from training_steps import Shape, StepOptions, our_step, their_step

    from xlm.engine.building.machine import machine_record

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    # As in the trainer's processes (xlm.training.launch.entry).
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    shape = Shape(name, **SHAPES[name])
    steps = {
        THEIRS: their_step(shape, StepOptions(attention_dropout=0.1)),
        THEIRS_FAST: their_step(shape, StepOptions(attention_dropout=0.0)),
        FAITHFUL: our_step(shape, StepOptions(attention_dropout=0.1)),
        FAST: our_step(shape, StepOptions(attention_dropout=0.0)),
    }
    left, right = torch.randn(2, PRODUCT, PRODUCT)
    steps["product"] = lambda: torch.mm(left, right)  # type: ignore[assignment]
    for step in steps.values():
        step()
    seconds: dict[str, list[float]] = {contestant: [] for contestant in steps}
    for _ in range(rounds):
        for contestant, step in steps.items():
            began = time.perf_counter()
            step()
            seconds[contestant].append(time.perf_counter() - began)
    # The fastest product is the peak of the machine.
    peak = 2 * PRODUCT**3 / min(seconds.pop("product"))
    return {
        "shape": shape.title,
        "threads": torch.get_num_threads(),
        "rounds": rounds,
        "machine": {k: machine_record()[k] for k in ("system", "python", "cores")},
        "torch": torch.__version__,
        "tokens_per_second": {k: shape.tokens / statistics.median(v) for k, v in seconds.items()},
        "flops_per_step": shape.flops(),
        "tokens_per_step": shape.tokens,
        "peak_flops": peak,
        "seconds": seconds,
    }


def render(runs: dict[str, Any]) -> str:
    """The table of the page."""
    from xlm.display.markdown import table

    def cells(run: dict[str, Any], contestant: str) -> list[str]:
        rates, per_token = run["tokens_per_second"], run["flops_per_step"] / run["tokens_per_step"]
        rate = rates[contestant]
        return [
            f"{rate:,.0f}",
            f"{rate / rates[THEIRS]:.2f}",
            f"{100 * rate * per_token / run['peak_flops']:.0f} %",
        ]

    header = ["model and batch", "threads", "bare product, GFLOP/s", THEIRS, THEIRS_FAST]
    for recipe in (FAITHFUL, FAST):
        header += [f"`{recipe}`", "times", "of the peak"]
    rows = []
    for name in (f"{shape}, {threads}" for shape in SHAPES for threads in (1, 2)):
        if name in runs:
            run = runs[name]
            rates = run["tokens_per_second"]
            rows.append(
                [run["shape"], str(run["threads"]), f"{run['peak_flops'] / 1e9:.0f}",
                 f"{rates[THEIRS]:,.0f}", f"{rates[THEIRS_FAST]:,.0f}",
                 *cells(run, FAITHFUL), *cells(run, FAST)]
            )  # fmt: skip
    return table(header, rows)


if __name__ == "__main__":
    main()
