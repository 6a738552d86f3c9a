"""What an interrupted run says about its job, and which settings belong to a job."""

import os
from pathlib import Path

import pytest

from tests.cluster.test_launcher import Setting
from xlm.cluster.hold import changed_settings, settings_of_job
from xlm.config.launcher.launcher import LauncherConfig
from xlm.errors import PipelineError
from xlm.processes.group import ProgramGroup


def _slurm(**slurm: object) -> LauncherConfig:
    return LauncherConfig.model_validate({"kind": "slurm", "slurm": slurm})


def test_a_run_that_ends_before_its_job_is_submitted_leaves_nothing(tmp_path: Path) -> None:
    """The scheduler does not answer: there is no job that could go on."""
    setting = Setting(tmp_path)
    setting.scheduler.is_down = True
    group = ProgramGroup()

    def end_in_the_outage() -> None:
        if any("no answer from the scheduler" in line for line in setting.lines):
            group.end()

    with group.collecting(), pytest.raises(PipelineError) as ended:
        setting.launcher.run(setting.launch(), end_in_the_outage)
    assert str(ended.value) == "interrupted; run the same command again to continue"
    assert not os.path.lexists(setting.staging.hold)


def test_only_settings_of_the_job_have_changed() -> None:
    before = _slurm(partition="gpu", setup=["export KEY=secret"], command_seconds=10)
    now = _slurm(partition=None, setup=[], command_seconds=90)
    assert changed_settings(before, now) == (
        "launcher.slurm.partition=gpu, another launcher.slurm.setup"
    )
    assert (
        changed_settings(before, _slurm(**before.slurm.model_dump() | {"command_seconds": 5})) == ""
    )
    kept = settings_of_job(before, now)
    assert (kept.slurm.partition, kept.slurm.command_seconds) == ("gpu", 90)


def test_the_time_limit_of_the_login_is_not_a_setting_of_the_job() -> None:
    before = LauncherConfig.model_validate({"kind": "kubernetes"})
    now = LauncherConfig.model_validate(
        {"kind": "kubernetes", "kubernetes": {"credentials_seconds": 7}}
    )
    assert changed_settings(before, now) == ""
    assert settings_of_job(before, now).kubernetes.credentials_seconds == 7
