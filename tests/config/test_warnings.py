"""Warnings about a configuration: in the plan and before a run, on standard error."""

import subprocess
import sys
from pathlib import Path

import pytest

from xlm.config.resolve import profile_names, resolve
from xlm.config.warnings import config_warnings


@pytest.mark.parametrize("profile", profile_names())
def test_the_profiles_have_no_warning(profile: str) -> None:
    assert config_warnings(resolve(profile)) == []


def test_a_warm_up_longer_than_the_run_is_a_warning() -> None:
    found = config_warnings(resolve("mini15", ["pretrain.updates=99", "finetune.updates=59"]))
    assert [line.partition(":")[0] for line in found] == [
        "pretrain.schedule.warmup_updates 100 is more than pretrain.updates 99",
        "finetune.schedule.warmup_updates 60 is more than finetune.updates 59",
    ]
    assert config_warnings(resolve("mini15", ["pretrain.updates=100"])) == []


def test_translation_without_a_pair_is_a_warning() -> None:
    (line,) = config_warnings(resolve("mini15", ["sources.parallel=[]"]))
    assert line.startswith("pretrain.objectives names tlm, but sources.parallel is empty: nothing")
    (line,) = config_warnings(resolve("mini15", [], languages=["en"]))
    assert "but the languages make no pair with English" in line
    masked = ["sources.parallel=[]", "pretrain.objectives=[mlm]"]
    assert config_warnings(resolve("mini15", masked)) == []


def test_the_plan_prints_it_on_standard_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "xlm.cli.main", "plan", "--root", str(tmp_path / "root")),
            *("--set", "pretrain.updates=5", "--set", "pretrain.schedule.warmup_updates=6"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.startswith("xlm: warning: pretrain.schedule.warmup_updates 6 is more than")
    assert done.stderr.count("\n") == 1
    assert "warmup" not in done.stdout
