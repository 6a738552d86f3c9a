"""Fine-tuning with threads that wait passively or actively, alone and beside a busy process.

    .venv/bin/python bench/waiting_threads.py [--threads 2] [--rounds 3] [--write]

OpenMP threads that wait for each other either sleep (`OMP_WAIT_POLICY=PASSIVE`, which training
processes get) or use their core meanwhile, which is OpenMP's default. The model and the batches are
those of mini15. Each measurement is a process of its own; the policies take turns. The busy
process counts in a loop, on any core. Medians are reported. `--write` stores
bench/results/waiting_threads.json and updates docs/reference/performance/training.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pages import fill

from xlm.display.markdown import table

HOME = Path(__file__).resolve().parent
RESULTS = HOME / "results" / "waiting_threads.json"
POLICIES = {"passive": {"OMP_WAIT_POLICY": "PASSIVE"}, "OpenMP's default": {}}
WARM_UP = 3


def main() -> None:
    """Measure both policies, alone and beside a busy process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(measure(arguments.updates)))
        return
    record: dict[str, Any] = {"threads": arguments.threads, "cores": os.cpu_count(), "runs": {}}
    for busy in (0, 1):
        with _busy(busy):
            record["runs"][str(busy)] = _in_turns(arguments)
    print(render(record))
    if arguments.write:
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        fill("reference/performance/training.md", "waiting-threads", render(record))


def _in_turns(arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of an update by policy and round."""
    found: dict[str, list[float]] = {name: [] for name in POLICIES}
    command = [sys.executable, __file__, "--worker", "--updates", str(arguments.updates)]
    shared = {name: text for name, text in os.environ.items() if name != "OMP_WAIT_POLICY"}
    for number in range(arguments.rounds):
        for name in list(POLICIES)[:: -1 if number % 2 else 1]:
            own = {"OMP_NUM_THREADS": str(arguments.threads), **POLICIES[name]}
            done = subprocess.run(
                command, env={**shared, **own}, stdout=subprocess.PIPE, text=True, check=True
            )
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    return found


@contextmanager
def _busy(count: int) -> Iterator[None]:
    """Processes that each keep a core busy."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.wait()


def measure(updates: int) -> float:
    """The median seconds of an update."""
    import torch
    from fine_tuning_steps import Contestants, training_batches

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    contestants, seconds = Contestants(dropout=0.1), []
    for batch in training_batches(WARM_UP + updates):
        began = time.perf_counter()
        contestants.our_update(batch)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[WARM_UP:])


def render(record: dict[str, Any]) -> str:
    """A row for each load."""
    names = {"0": "nothing else", "1": "one busy process"}
    rows = []
    for busy, found in record["runs"].items():
        passive, active = (statistics.median(found[name]) for name in POLICIES)
        rows.append((names[busy], f"{passive:.2f}", f"{active:.2f}", f"{active / passive:.2f}"))
    header = ("beside it", *(f"{name}, s" for name in POLICIES), "times faster")
    return table(header, rows)


if __name__ == "__main__":
    main()
