"""Damaged, truncated and incompatible checkpoints: valid ones are used, the others reported."""

import json
import logging
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import SafetensorError

from tests.training.runs import files, make_trainer, straight_run
from xlm.errors import TrainingError
from xlm.training.checkpoints import Checkpoints
from xlm.training.launch.error_translation import translate_error
from xlm.training.launch.job import PretrainJob

MakeJob = Callable[..., PretrainJob]


def _checkpoint_names(job: PretrainJob) -> list[str]:
    return sorted(path.name for path in (job.scratch / "checkpoints").iterdir())


def _flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _again(job: PretrainJob) -> dict[str, bytes]:
    """Run the job again; returns the published files."""
    shutil.rmtree(job.out)
    job.out.mkdir()
    return files(straight_run(job))


@pytest.mark.slow
def test_a_damaged_block_of_the_best_weights_damages_no_checkpoint(make_job: MakeJob) -> None:
    job = make_job(checkpoint_updates=5, validation_updates=5, keep_checkpoints=3)
    straight = files(straight_run(job))
    _flip_a_bit(job.scratch / "best.safetensors")
    newest = max((job.scratch / "checkpoints").iterdir())
    _flip_a_bit(newest / "best.safetensors")
    assert _again(job) == straight


@pytest.mark.slow
def test_a_damaged_checkpoint_is_skipped_with_a_warning_and_kept(
    make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that cannot be read now may be readable again later."""
    job = make_job(updates=24, checkpoint_updates=4, keep_checkpoints=4)
    straight = files(straight_run(job))
    kept = _checkpoint_names(job)
    assert kept == [f"update-0000000{number}" for number in ("12", "16", "20", "24")]
    for name in ("16", "20", "24"):
        _flip_a_bit(job.scratch / "checkpoints" / f"update-0000000{name}" / "optimizer.pt")
    with caplog.at_level(logging.WARNING):
        checkpoints = Checkpoints(job.scratch / "checkpoints", keep=2)
        newest = checkpoints.newest()
    assert newest is not None
    assert newest.name == "update-000000012"
    warnings = [r.getMessage() for r in caplog.records if "is skipped" in r.getMessage()]
    assert warnings[0] == (
        "checkpoint update-000000024 is skipped: optimizer.pt does not match its checksum"
    )
    assert len(warnings) == 3
    checkpoints.save(14, lambda directory: (directory / "model.safetensors").write_bytes(b"14"))
    assert _checkpoint_names(job) == sorted([*kept, "update-000000014"])
    shutil.rmtree(job.scratch / "checkpoints" / "update-000000014")
    assert _again(job) == straight


@pytest.mark.slow
@pytest.mark.parametrize("lost", ["removed", "cut", "zeros"])
def test_lost_metrics_are_restored(make_job: MakeJob, lost: str) -> None:
    """They are part of the artifact, and a power cut may lose what was not flushed."""
    job = make_job(checkpoint_updates=5, metrics_updates=2)
    straight = files(straight_run(job))
    metrics = job.scratch / "metrics.jsonl"
    content = metrics.read_bytes()
    if lost == "removed":
        metrics.unlink()
    else:
        metrics.write_bytes(content[:9] if lost == "cut" else bytes(len(content)))
    assert _again(job) == straight


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "was made with pretrain.seed 0, but the job has 1"),
        ({"stream_rows": 12}, "was made with pretrain.stream_rows "),
        (
            {"objectives": ("mlm",)},
            r'objectives \["mlm", "tlm"\], but the job has \["mlm"\]',
        ),
        ({"precision": "fp16"}, 'pretrain.precision "fp32", but the job has "fp16"'),
        ({"model": {"dimension": 32}}, "model.dimension 16, but the job has 32"),
        ({"schedule": {"kind": "constant"}}, 'schedule.kind "linear", but the job has "constant"'),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(
    make_job: MakeJob, changes: dict[str, object], message: str
) -> None:
    straight_run(make_job(checkpoint_updates=5))
    before = make_job(checkpoint_updates=5)
    other = make_job(checkpoint_updates=5, **changes)
    kept = _checkpoint_names(before)
    metrics = (before.scratch / "metrics.jsonl").read_bytes()
    with pytest.raises(TrainingError, match=message) as refused:
        make_trainer(other).run()
    assert str(refused.value).count("\n") == 0
    assert _checkpoint_names(before) == kept
    assert (before.scratch / "metrics.jsonl").read_bytes() == metrics


@pytest.mark.slow
def test_a_run_can_be_made_longer(make_job: MakeJob) -> None:
    schedule = {"kind": "inverse_sqrt", "warmup_updates": 2}
    straight = files(straight_run(make_job("straight", updates=20, schedule=schedule)))
    straight_run(make_job("longer", updates=10, schedule=schedule))
    longer = files(straight_run(make_job("longer", updates=20, schedule=schedule)))
    assert longer["model.safetensors"] == straight["model.safetensors"]


def test_a_run_with_a_linear_schedule_cannot_be_made_longer(make_job: MakeJob) -> None:
    falling = {"kind": "linear", "warmup_updates": 2}
    straight_run(make_job(updates=10, schedule=falling))
    with pytest.raises(TrainingError, match=r"pretrain\.updates 10, but the job has 20"):
        straight_run(make_job(updates=20, schedule=falling))


def test_another_machine_can_resume(make_job: MakeJob) -> None:
    straight_run(make_job(updates=10, checkpoint_updates=5))
    job = make_job(
        updates=10, checkpoint_updates=5, micro_batch_tokens=40, recompute_activations=True
    )
    make_trainer(job).run()
    assert json.loads((job.out / "validation.json").read_text())["updates"] == 10


@pytest.mark.slow
@pytest.mark.parametrize("file_bytes", [5_000, 20_000, 35_000, 60_000])
def test_a_full_disk_is_reported(make_job: MakeJob, file_bytes: int) -> None:
    """The disk is full at one file of the checkpoint or another."""
    job = make_job(checkpoint_updates=5, figures=False, tensorboard=False)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, hard))
        with pytest.raises((OSError, RuntimeError, SafetensorError)) as failed:
            make_trainer(job).run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    reason = translate_error(failed.value)
    assert isinstance(reason, TrainingError)
    assert "cannot read or write a file of the run" in str(reason)
