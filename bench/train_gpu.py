"""Training steps of the xnli15 model on one GPU: tokens per second, MFU, memory, profile.

    python bench/train_gpu.py [--rows 64] [--rounds 20]
    python bench/train_gpu.py --device cpu --small   # to test the script

The ids are synthetic: only this repository's packages and transformers must be installed.
Writes bench/results/train_gpu.json and docs/reference/performance/training.md (not with `--small`).
MFU is the formula of `xlm/model/flops.py`, without recomputation, over the dense peak
of the data sheet.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from pages import fill
from torch.profiler import ProfilerActivity, profile
from training_steps import Shape, StepOptions, TrainingStep, our_step, their_step

from xlm.display.markdown import table
from xlm.model.flops import peak_flops

HOME = Path(__file__).resolve().parent
RESULTS = HOME / "results" / "train_gpu.json"
WARM_UP, PROFILED = 5, 3
PROFILE_ROWS = 25
"""Kernels in the table of the profile."""


def variants(device: str) -> dict[str, StepOptions]:
    """Options of a step by name; all use torch's scaled_dot_product_attention."""
    bf16 = torch.bfloat16
    return {
        "faithful, fp32 (TF32)": StepOptions(0.1, device),
        "faithful, bf16": StepOptions(0.1, device, bf16),
        "faithful, bf16, compiled": StepOptions(0.1, device, bf16, compiled=True),
        "fast, bf16": StepOptions(0.0, device, bf16),
        "fast, bf16, compiled": StepOptions(0.0, device, bf16, compiled=True),
    }


def main() -> None:
    """Measure each variant, one after the other, so that each has all of the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="a tiny model; results are printed")
    parser.add_argument("--rows", type=int, default=64, help="sequences of 256 tokens in a batch")
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    device = arguments.device
    if device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("no GPU is available; test the script with --device cpu --small")
    shape = Shape("xnli15", 12, 1024, 8, 95_000, arguments.rows)
    if arguments.small:
        shape = Shape("small", 1, 32, 2, 200, rows=2, width=32)
    torch.backends.cuda.matmul.allow_tf32 = True
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    record: dict[str, Any] = {"device": name, "torch": torch.__version__, "shape": shape.title}
    record["runs"] = {
        title: _measure(our_step(shape, settings), shape, settings, arguments.rounds)
        for title, settings in variants(device).items()
    }
    theirs = StepOptions(0.1, device, torch.bfloat16)
    record["runs"]["transformers, bf16"] = _measure(
        their_step(shape, theirs), shape, theirs, arguments.rounds
    )
    best = max(variants(device), key=lambda t: record["runs"][t]["rate"])
    record["left"] = _profile(our_step(shape, variants(device)[best]), device)
    text = render(record, best)
    print(text)
    if not arguments.small:
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")
        fill("reference/performance/training.md", "train-gpu", text)


def _measure(
    step: TrainingStep, shape: Shape, settings: StepOptions, rounds: int
) -> dict[str, float | None]:
    on_gpu = settings.device == "cuda"
    for _ in range(WARM_UP if on_gpu else 1):
        step()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    seconds = []
    for _ in range(rounds):
        _wait(settings.device)
        began = time.perf_counter()
        step()
        _wait(settings.device)
        seconds.append(time.perf_counter() - began)
    rate = shape.tokens / statistics.median(seconds)
    peak = None
    if on_gpu:
        arithmetic = "tf32" if settings.autocast is None else "bf16"
        peak = peak_flops(torch.cuda.get_device_name(), arithmetic)  # type: ignore[arg-type]
    return {
        "rate": rate,
        "mfu": rate * shape.flops() / shape.tokens / peak if peak else None,
        "memory_bytes": float(torch.cuda.max_memory_allocated()) if on_gpu else None,
    }


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _profile(step: TrainingStep, device: str) -> list[dict[str, Any]]:
    """The operations that take most of a step's time, and their shares."""
    activities = {ProfilerActivity.CPU}
    if device == "cuda":
        activities.add(ProfilerActivity.CUDA)
    for _ in range(PROFILED):
        step()
    with profile(activities=activities) as profiled:
        for _ in range(PROFILED):
            step()
        _wait(device)
    own = "self_device_time_total" if device == "cuda" else "self_cpu_time_total"
    found = sorted(profiled.key_averages(), key=lambda event: -getattr(event, own))
    total = sum(getattr(event, own) for event in found)
    return [
        {"operation": event.key, "share": getattr(event, own) / total, "calls": event.count}
        for event in found[:PROFILE_ROWS]
    ]


def render(record: dict[str, Any], best: str) -> str:
    """The two tables of the page."""
    theirs = record["runs"]["transformers, bf16"]["rate"]
    rows = [
        [
            title,
            f"{run['rate']:,.0f}",
            f"{run['rate'] / theirs:.2f}",
            "–" if run["mfu"] is None else f"{100 * run['mfu']:.1f} %",
            "–" if run["memory_bytes"] is None else f"{run['memory_bytes'] / 2**30:.1f} GiB",
        ]
        for title, run in record["runs"].items()
    ]
    left = [
        [f"`{row['operation'][:70]}`", f"{100 * row['share']:.1f} %", str(row["calls"])]
        for row in record["left"]
    ]
    return "\n\n".join(
        [
            f"{record['device']}, torch {record['torch']}; {record['shape']}.",
            table(["variant", "tokens/s", "times transformers", "MFU", "peak memory"], rows),
            f"Profile of a step ({best}):",
            table(["operation", "share", "calls"], left),
        ]
    )


if __name__ == "__main__":
    main()
