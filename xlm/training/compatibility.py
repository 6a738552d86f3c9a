"""Whether a checkpoint belongs to a job: the settings that hold from the first update to the last.

    settings = compatibility_settings(job, vocabulary.hash)
    require_same(json.loads(path.read_text()), settings, where="checkpoints/update-000001000")

The shape of the machine is none of them: another number of processes goes on with a run. Keys of
the store keep other settings apart anyway; this is for jobs that were started by hand.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from xlm.errors import TrainingError
from xlm.training.launch.job import PretrainJob

_MACHINE: Final = {
    "processes",
    "threads_per_process",
    "micro_batch_tokens",
    "device",
    "tf32",
    "compile",
    "recompute_activations",
}

Settings = dict[str, Any]
"""JSON-ready values by dotted name."""


def compatibility_settings(job: PretrainJob, vocabulary_hash: str) -> Settings:
    """What must not change while a run is interrupted; its end may, where no rate looks ahead."""
    pretrain = job.pretrain.key_fields()
    free = _MACHINE if job.pretrain.schedule.kind == "linear" else {*_MACHINE, "updates"}
    nested = {
        "languages": job.languages,
        "vocabulary": vocabulary_hash,
        "warm_start": job.warm_start,
        "model": job.model.key_fields(),
        "pretrain": {name: value for name, value in pretrain.items() if name not in free},
    }
    found: Settings = json.loads(json.dumps(dict(_flat("", nested))))
    return found


def require_compatible(kept: Settings, now: Settings, *, where: str) -> None:
    """Refuse to go on with a run under other settings.

    Raises:
        TrainingError: naming the first setting that differs.
    """
    for name in sorted(kept.keys() | now.keys()):
        before, after = kept.get(name), now.get(name)
        if before != after:
            raise TrainingError(
                f"{where} was made with {name} {_short(before)}, the job says {_short(after)}",
                fix="give the job a scratch of its own, or the settings that its run began with",
            )


def _flat(prefix: str, nested: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:76]} ..."
