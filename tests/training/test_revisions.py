"""Weights of earlier updates: which are kept, their bytes, and runs killed or made longer."""

import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.tiny_world import tiny_pretraining
from tests.training.processes import start_process
from tests.training.runs import files, straight_run
from xlm.model.formats.ours import load_encoder, read_weights
from xlm.training.launch.job import PretrainJob
from xlm.training.revisions import kept_revisions, publish_revisions

MakeJob = Callable[..., PretrainJob]

_CONSTANT: dict[str, Any] = {"schedule": {"kind": "constant", "warmup_updates": 2}}
"""With this schedule, a run can be made longer."""


def _name(update: int) -> str:
    return f"revisions/step-{update}.safetensors"


@pytest.mark.slow
def test_a_revision_is_the_model_of_a_shorter_run(make_job: MakeJob) -> None:
    short = files(straight_run(make_job("short", updates=10, keep="last", **_CONSTANT)))
    out = straight_run(make_job("long", revision_updates=5, **_CONSTANT))
    plain = files(straight_run(make_job("plain", **_CONSTANT)))
    found = files(out)
    assert kept_revisions(out) == {update: _name(update) for update in (5, 10, 15)}
    assert found[_name(10)] == short["model.safetensors"]
    assert {name: data for name, data in found.items() if "/" not in name} == plain
    assert load_encoder(out, _name(10)).description == load_encoder(out).description
    assert read_weights(out, _name(5)).keys() == read_weights(out).keys()


@pytest.mark.slow
@pytest.mark.fault
def test_a_run_that_is_killed_after_a_revision_ends_with_the_same_files(make_job: MakeJob) -> None:
    """It resumes from the checkpoint before the revision, and writes that again."""
    settings: dict[str, Any] = {
        "updates": 60, "revision_updates": 8, "checkpoint_updates": 12, "validation_updates": 60,
    }  # fmt: skip
    straight = files(straight_run(make_job("straight", **settings)))
    job = make_job("killed", **settings)
    first = job.scratch / _name(16)
    process = start_process(job)
    while not first.exists() and process.is_alive():
        time.sleep(0.001)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL, "the process ended before the kill"
    assert not (job.out / "model.safetensors").exists()
    killed = first.read_bytes()
    start_process(job).join()
    assert files(job.out) == straight
    assert list(kept_revisions(job.out)) == [8, 16, 24, 32, 40, 48, 56]
    assert straight[_name(16)] == killed == first.read_bytes()


def test_a_draft_of_a_killed_run_is_replaced_and_never_published(make_job: MakeJob) -> None:
    straight = files(straight_run(make_job("straight", updates=4, revision_updates=2)))
    job = make_job("again", updates=4, revision_updates=2)
    (job.scratch / "revisions").mkdir()
    (job.scratch / "revisions" / "unfinished").write_bytes(b"half of the weights")
    assert files(straight_run(job)) == straight
    assert _name(2) in straight


@pytest.mark.slow
def test_a_run_that_is_made_longer_has_the_revision_of_its_first_end(make_job: MakeJob) -> None:
    settings = {"revision_updates": 5, **_CONSTANT}
    straight = files(straight_run(make_job("straight", **settings)))
    straight_run(make_job("longer", updates=10, **settings))
    longer = make_job("longer", **settings)
    shutil.rmtree(longer.out)
    longer.out.mkdir()
    found = files(straight_run(longer))
    assert {n: d for n, d in found.items() if "/" in n} == {
        n: d for n, d in straight.items() if "/" in n
    }
    assert list(kept_revisions(longer.out)) == [5, 10, 15]


def test_a_run_that_stops_early_has_the_revisions_before_its_end(make_job: MakeJob) -> None:
    """The learning rate is so high that the loss does not improve."""
    job = make_job(
        updates=200, revision_updates=2, validation_updates=2, patience=2,
        optimizer={"learning_rate": 5.0}, schedule={"kind": "constant", "warmup_updates": 0},
    )  # fmt: skip
    straight_run(job)
    last = max(kept_revisions(job.scratch))
    assert 2 < last < 200
    assert list(kept_revisions(job.out)) == list(range(2, last, 2))


def test_files_that_do_not_belong_are_not_published(make_job: MakeJob) -> None:
    job = make_job(updates=20, revision_updates=4)
    folder = job.scratch / "revisions"
    folder.mkdir()
    for update in (2, 4, 8, 12, 16):
        (folder / f"step-{update}.safetensors").write_bytes(b"%d" % update)
    publish_revisions(job, before=12)
    assert files(job.out) == {_name(4): b"4", _name(8): b"8"}
    publish_revisions(make_job("none"), before=12)


def test_other_files_of_the_folder_are_no_revisions(tmp_path: Path) -> None:
    folder = tmp_path / "revisions"
    folder.mkdir()
    for name in ("step-10", "step-9", "step-09", "step-x", "other"):
        (folder / f"{name}.safetensors").write_bytes(b"")
    (folder / "step-8").write_bytes(b"")
    assert list(kept_revisions(tmp_path)) == [9, 10]
    assert kept_revisions(tmp_path / "none") == {}


@pytest.mark.parametrize("revision_updates", [20, 21])
def test_an_interval_that_keeps_nothing_is_refused(revision_updates: int) -> None:
    with pytest.raises(ValidationError, match=rf"revision_updates {revision_updates} keeps no w"):
        tiny_pretraining(updates=20, revision_updates=revision_updates)


def test_only_runs_with_revisions_have_other_keys() -> None:
    plain = tiny_pretraining()
    assert "revision_updates" not in plain.key_fields()
    assert tiny_pretraining(revision_updates=5).key_fields() == {
        **plain.key_fields(),
        "revision_updates": 5,
    }
