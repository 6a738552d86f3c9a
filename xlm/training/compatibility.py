"""Checkpoint compatibility: whether a job may resume from a checkpoint of another job.

    settings = compatibility_settings(job, vocabulary.hash)
    require_compatible(json.loads(path.read_text()), settings, where="checkpoints/update-000001000")

Settings of the machine may differ: a run can resume with another number of processes. In the
pipeline, keys keep runs with other settings apart; this check is for jobs that are started by hand.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from xlm.errors import TrainingError
from xlm.training.launch.job import PretrainJob

_MACHINE: Final = {
    "processes",
    "resize",
    "threads_per_process",
    "micro_batch_tokens",
    "device",
    "tf32",
    "compile",
    "recompute_activations",
}

Settings = dict[str, Any]
"""JSON values by dotted name."""


def compatibility_settings(job: PretrainJob, vocabulary_hash: str) -> Settings:
    """The settings that must not change during a run.

    The number of updates may change, unless the learning rate depends on it.
    """
    pretrain = job.pretrain.key_fields()
    free = _MACHINE if job.pretrain.schedule.kind == "linear" else {*_MACHINE, "updates"}
    nested = {
        "languages": job.languages,
        "vocabulary": vocabulary_hash,
        "warm_start": job.warm_start,
        "model": job.model.key_fields(),
        "pretrain": {name: value for name, value in pretrain.items() if name not in free},
    }
    settings: Settings = json.loads(json.dumps(dict(_flatten("", nested))))
    return settings


def require_compatible(saved: Settings, current: Settings, *, where: str) -> None:
    """Compare the settings of a checkpoint with those of the job.

    Raises:
        TrainingError: a setting differs; the message names the first one.
    """
    for name in sorted(saved.keys() | current.keys()):
        before, now = saved.get(name), current.get(name)
        if before != now:
            raise TrainingError(
                f"{where} was made with {name} {_short(before)}, but the job has {_short(now)}",
                fix="give the job its own scratch directory, or the settings of the checkpoint",
            )


def _flatten(prefix: str, nested: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flatten(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:76]} ..."
