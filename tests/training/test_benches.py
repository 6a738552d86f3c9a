"""The training benchmarks run, on a tiny model; their numbers are not checked."""

import os
import subprocess
import sys

import pytest

from tests.repository import REPOSITORY

ROOT = REPOSITORY


def run(program: str, *arguments: str) -> str:
    """Run a benchmark on one thread without a compiler; returns its output."""
    pytest.importorskip("transformers")
    settings = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TORCH_COMPILE_DISABLE": "1"}
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / program, *arguments, "--rounds", "1"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_gpu_benchmark_runs_on_a_cpu() -> None:
    printed = run("train_gpu.py", "--device", "cpu", "--small")
    for title in ("faithful, bf16, compiled", "fast, bf16", "transformers, bf16"):
        assert f"| {title} |" in printed
    assert "aten::" in printed
