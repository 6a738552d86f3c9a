"""Fine-tuning and prediction on a CPU, compared with a plain loop of transformers.

    .venv/bin/python bench/fine_tuning.py [--threads 1 2] [--rounds 15] [--write]

The model and the batches are those of mini15. transformers' `XLMForSequenceClassification` is
loaded from our exported folder, with the same dropout, and gets the same batches with their
attention mask and language ids. Rows have random ids and the lengths of XNLI's rows in each
language; labels depend on the ids. Each number of threads runs in a separate process with as many
cores. Contestants take turns on the same batch and alternate in going first. Medians of the ratios
are reported, of CPU and of wall time. The accuracy after training is compared without dropout,
because both draw different random numbers for it. `--write` stores
bench/results/fine_tuning.json and updates docs/reference/performance/training.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pages import fill

HOME = Path(__file__).resolve().parent
RESULTS = HOME / "results" / "fine_tuning.json"
OURS, THEIRS = "xlm-pipeline", "transformers"
STEPS = {
    "update": "fine-tuning update",
    "file order": "prediction, rows in the order of the files",
    "similar lengths": "prediction, rows of similar lengths",
}


def main() -> None:
    """Measure with each number of threads; store the figures and update the page with --write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=15, help="timed updates")
    parser.add_argument("--updates", type=int, default=100, help="updates before accuracies")
    parser.add_argument("--rows", type=int, default=100, help="rows of each dev and test set")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(measure(arguments)))
        return
    record = {str(threads): _in_process(threads, arguments) for threads in arguments.threads}
    print(render(record))
    if arguments.write:
        RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        fill("reference/performance/training.md", "fine-tuning", render(record))


def _in_process(threads: int, arguments: argparse.Namespace) -> dict[str, Any]:
    command = [
        sys.executable, __file__, "--worker", "--rounds", str(arguments.rounds),
        "--updates", str(arguments.updates), "--rows", str(arguments.rows),
    ]  # fmt: skip
    cores = sorted(os.sched_getaffinity(0))[:threads]
    done = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": str(threads)}, stdout=subprocess.PIPE,
        text=True, check=True, preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Times of both contestants by batch, equal labels, and accuracies."""
    import torch
    import transformers
    from fine_tuning_steps import Contestants, evaluation_batches, training_batches

    from xlm.engine.building.machine import machine_record

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    # As in the stages' processes (xlm.training.launch.entry).
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    timed = Contestants(dropout=0.1)
    updates = [
        _in_turns(number, {OURS: timed.our_update, THEIRS: timed.their_update}, batch)
        for number, batch in enumerate(training_batches(arguments.rounds + 1))
    ]
    plain = Contestants(dropout=0.0)
    for batch in training_batches(arguments.updates):
        plain.our_update(batch)
        plain.their_update(batch)
    plain.copy_weights(timed)
    timings, counts = {"update": [seconds for seconds, _ in updates[1:]]}, Counter[str]()
    labelling = {OURS: timed.our_labels, THEIRS: timed.their_labels}
    for kind, by_length in (("file order", False), ("similar lengths", True)):
        timings[kind] = []
        for number, batch in enumerate(evaluation_batches(arguments.rows, by_length=by_length)):
            seconds, labels = _in_turns(number, labelling, batch)
            timings[kind].append(seconds)
            counts[kind] += int((labels[OURS] == labels[THEIRS]).sum())
            if by_length:
                trained = plain.their_labels(batch)
                counts["rows"] += len(trained)
                counts["update"] += int((labels[OURS] == trained).sum())
                counts[OURS] += int((labels[OURS] == batch.labels_B).sum())
                counts[THEIRS] += int((trained == batch.labels_B).sum())
    return {
        "machine": {k: machine_record()[k] for k in ("system", "python", "cores")},
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "load": os.getloadavg()[0],
        "runs": {kind: _summary(rounds) for kind, rounds in timings.items()},
        "rows": counts["rows"],
        "equal_labels": {kind: counts[kind] for kind in timings},
        "updates_before_accuracy": arguments.updates,
        "accuracy": {name: counts[name] / counts["rows"] for name in (OURS, THEIRS)},
    }


def _in_turns(
    number: int, steps: dict[str, Callable[[Any], Any]], batch: Any
) -> tuple[dict[str, tuple[float, float]], dict[str, Any]]:
    """CPU and wall seconds of each contestant on a batch, and what its step returned."""
    seconds, found = {}, {}
    for name in list(steps)[:: -1 if number % 2 else 1]:
        began = time.process_time(), time.perf_counter()
        found[name] = steps[name](batch)
        seconds[name] = (time.process_time() - began[0], time.perf_counter() - began[1])
    return seconds, found


def _summary(rounds: list[dict[str, tuple[float, float]]]) -> dict[str, Any]:
    """The times of all rounds, and the medians of their ratios."""
    kinds = {"cpu": 0, "wall": 1}
    return {
        "seconds": {
            kind: {name: [times[name][at] for times in rounds] for name in (OURS, THEIRS)}
            for kind, at in kinds.items()
        },
        "median_ratio": {
            kind: statistics.median(times[THEIRS][at] / times[OURS][at] for times in rounds)
            for kind, at in kinds.items()
        },
    }


def render(record: dict[str, Any]) -> str:
    """The table of the page."""
    from xlm.display.markdown import table

    rows = []
    for threads, run in record.items():
        for kind, name in STEPS.items():
            times, ratio = run["runs"][kind]["seconds"]["cpu"], run["runs"][kind]["median_ratio"]
            equal = f"{run['equal_labels'][kind]:,} of {run['rows']:,}"
            if kind == "update":
                equal += f"; accuracy {run['accuracy'][THEIRS]:.3f} and {run['accuracy'][OURS]:.3f}"
            medians = (statistics.median(times[who]) for who in (THEIRS, OURS))
            rows.append(
                [name, threads, *(f"{1000 * median:.0f} ms" for median in medians),
                 f"{ratio['cpu']:.2f}", f"{ratio['wall']:.2f}", equal]
            )  # fmt: skip
        rows.append(_whole_pass(threads, run))
    header = ["step of mini15", "threads", f"{THEIRS}, CPU time", f"{OURS}, CPU time",
              "times, CPU", "times, wall", "equal labels"]  # fmt: skip
    return table(header, rows)


def _whole_pass(threads: str, run: dict[str, Any]) -> list[str]:
    """All rows, each contestant in its own order: theirs of the files, ours by length."""
    theirs, ours = (
        {kind: sum(run["runs"][order]["seconds"][kind][who]) for kind in ("cpu", "wall")}
        for order, who in (("file order", THEIRS), ("similar lengths", OURS))
    )
    return [
        "prediction of all rows, each in its own order", threads,
        f"{theirs['cpu']:.1f} s", f"{ours['cpu']:.1f} s",
        f"{theirs['cpu'] / ours['cpu']:.2f}", f"{theirs['wall'] / ours['wall']:.2f}", "",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
