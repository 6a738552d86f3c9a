"""The state of a run: everything that a checkpoint holds, so that a resumed run is bit-identical.

Masks, orders and dropout follow from (seed, update), so a checkpoint holds no generator state.
"""

import dataclasses
import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from xlm.dataloader.loader import LoaderState
from xlm.dataloader.sampling.sampler import SamplerState
from xlm.model.encoder import Encoder
from xlm.model.formats.ours import encoder_weights, set_encoder_weights
from xlm.training.compatibility import Settings, require_compatible
from xlm.training.update import Updater

_WEIGHTS: Final = "model.safetensors"
_OPTIMIZER: Final = "optimizer.pt"
_STATE: Final = "state.json"
_SETTINGS: Final = "settings.json"


@dataclass(frozen=True)
class RunFiles:
    """Files in scratch that change during the run; every checkpoint has a copy of them.

    Links would be cheaper, but then one damaged block would damage all checkpoints.
    """

    best: Path
    """The best weights so far, if there are any."""
    metrics: Path
    """The training metrics so far."""

    def save(self, directory: Path) -> None:
        """Copy the files to a checkpoint."""
        for path in (self.best, self.metrics):
            if path.exists():
                shutil.copyfile(path, directory / path.name)

    def restore(self, directory: Path | None) -> None:
        """Replace the files by those of a checkpoint; None: the run starts without files."""
        for path in (self.best, self.metrics):
            path.unlink(missing_ok=True)
            if directory is not None and (directory / path.name).exists():
                shutil.copyfile(directory / path.name, path)


@dataclass
class RunState:
    """The state of the training loop, without weights and optimizer; equal in all processes."""

    update: int = 0
    """Number of updates so far; also the number of the next one."""
    tokens: int = 0
    """Number of tokens so far, padding excluded."""
    samplers: dict[str, SamplerState] = field(default_factory=dict)
    """The state of each training task's sampler, by the name of the task."""
    best_update: int | None = None
    best_criterion: float | None = None
    worse_validations: int = 0
    """Validations since the best one."""
    stopped: bool = False
    """Whether patience has run out."""
    validations: list[dict[str, float]] = field(default_factory=list)
    loss_sums: list[list[list[float]]] = field(default_factory=list)
    """Loss sums since the last report, by rank."""
    norm_sum: float = 0.0
    """Sum of the gradient norms of applied updates since the last report."""
    norm_updates: int = 0
    """Number of applied updates since the last report."""
    overflows: int = 0
    """Number of consecutive updates that overflowed in fp16."""
    overflowed: int = 0
    """Number of all updates that overflowed in fp16."""
    processes: list[list[int]] = field(default_factory=list)
    """First update and number of processes of each part of the run."""

    def note_processes(self, world_size: int) -> None:
        """Begin a new part of the run if the number of processes is another one."""
        if not self.processes or self.processes[-1][1] != world_size:
            self.processes.append([self.update, world_size])

    def losses_of(self, rank: int, world_size: int) -> list[list[float]]:
        """The loss sums that a process resumes with.

        With the same number of processes, each takes its own sums, so that they are added in the
        same order. Otherwise rank 0 takes the total.
        """
        if world_size == len(self.loss_sums):
            return self.loss_sums[rank]
        total = np.sum(self.loss_sums, axis=0)
        if rank > 0:
            total = np.zeros_like(total)
        found: list[list[float]] = total.tolist()
        return found

    def judge(self, criterion: float, *, patience: int | None) -> bool:
        """Whether a validation at the current update is the best so far; lower is better.

        The run stops after more than `patience` consecutive validations that are not the best.
        """
        if self.best_criterion is None or criterion < self.best_criterion:
            self.best_criterion, self.best_update = criterion, self.update
            self.worse_validations = 0
            return True
        self.worse_validations += 1
        self.stopped = patience is not None and self.worse_validations > patience
        return False

    @property
    def loader(self) -> LoaderState:
        """The state of the loader before the next update."""
        return LoaderState(update=self.update, samplers=self.samplers)


def write_checkpoint(
    directory: Path,
    state: RunState,
    encoder: Encoder,
    updater: Updater,
    *,
    settings: Settings,
    files: RunFiles,
    callbacks: dict[str, Any],
) -> None:
    """Write the files of a checkpoint.

    `state.json` holds the fields of the state, and the state of each callback under its name.
    """
    save_file(encoder_weights(encoder), directory / _WEIGHTS)
    moments = {
        "adam": updater.optimizer.adam.state_dict(),
        "scaler": updater.scaler.state_dict(),
    }
    # An open file raises the OSError of a full disk; a path raises an error of torch.
    with (directory / _OPTIMIZER).open("wb") as file:
        torch.save(moments, file)
    content = asdict(state)
    # On disk, the state of a sampler is `[epoch, done]`.
    content["cursors"] = {name: list(at.values()) for name, at in content.pop("samplers").items()}
    if clashes := content.keys() & callbacks.keys():
        raise ValueError(f"callbacks have names of the run's state: {', '.join(sorted(clashes))}")
    text = json.dumps(content | callbacks)
    (directory / _STATE).write_text(text + "\n", encoding="utf-8")
    (directory / _SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    files.save(directory)


def read_checkpoint(
    directory: Path, encoder: Encoder, updater: Updater, settings: Settings, device: torch.device
) -> tuple[RunState, dict[str, Any]]:
    """Restore weights and optimizer; returns the state of the run and those of its callbacks.

    Raises:
        TrainingError: the checkpoint was made with other settings.
    """
    saved = json.loads((directory / _SETTINGS).read_text(encoding="utf-8"))
    require_compatible(saved, settings, where=str(directory))
    set_encoder_weights(encoder, load_file(directory / _WEIGHTS))
    # weights_only: tensors and plain containers, so that no file can run code.
    moments = torch.load(directory / _OPTIMIZER, map_location=device, weights_only=True)
    updater.optimizer.adam.load_state_dict(moments["adam"])
    updater.scaler.load_state_dict(moments["scaler"])
    content = json.loads((directory / _STATE).read_text(encoding="utf-8"))
    content["samplers"] = {
        name: SamplerState(epoch=epoch, done=done)
        for name, (epoch, done) in content.pop("cursors").items()
    }
    # Checkpoints of earlier versions have no `processes`.
    names = [one.name for one in dataclasses.fields(RunState) if one.name in content]
    fields = {name: content.pop(name) for name in names}
    return RunState(**fields), content


def save_best(best: Path, encoder: Encoder) -> None:
    """Save the current weights as the best ones."""
    temporary = best.with_suffix(".part")
    save_file(encoder_weights(encoder), temporary)
    temporary.replace(best)


def load_best(best: Path, encoder: Encoder) -> None:
    """Load the best weights into the encoder."""
    set_encoder_weights(encoder, load_file(best))
