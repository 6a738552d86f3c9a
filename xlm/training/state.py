"""What a run must remember to go on bit for bit: one checkpoint's contents.

Masks, order and dropout follow from (seed, update), so no generator state is among it.
"""

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from xlm.dataloader.loader import LoaderState
from xlm.dataloader.sampling.sampler import SamplerState
from xlm.model.encoder import Encoder
from xlm.model.formats.ours import encoder_weights, set_encoder_weights
from xlm.training.compatibility import Settings, require_compatible
from xlm.training.monitoring.spikes import GuardState
from xlm.training.update import Updater

_WEIGHTS, _OPTIMIZER, _STATE, _SETTINGS = (
    "model.safetensors",
    "optimizer.pt",
    "state.json",
    "settings.json",
)


@dataclass(frozen=True)
class RunFiles:
    """Files of scratch that grow or change with the run: every checkpoint has its own copy.

    A link would be cheaper, but then one damaged block damages all checkpoints.
    """

    best: Path
    """The best weights so far, where there are any."""
    metrics: Path
    """Lines of what the rules determine."""

    def keep(self, directory: Path) -> None:
        """Copy them into a checkpoint."""
        for path in (self.best, self.metrics):
            if path.exists():
                shutil.copyfile(path, directory / path.name)

    def restore(self, directory: Path | None) -> None:
        """Make them those of a checkpoint; None: of a run that had none yet."""
        for path in (self.best, self.metrics):
            path.unlink(missing_ok=True)
            if directory is not None and (directory / path.name).exists():
                shutil.copyfile(directory / path.name, path)


@dataclass
class RunState:
    """Everything but weights and optimizer; all processes hold the same."""

    update: int = 0
    """The next update."""
    tokens: int = 0
    """Real tokens seen."""
    samplers: dict[str, SamplerState] = field(default_factory=dict)
    """The state of each training task's sampler, by the name of the task."""
    best_update: int | None = None
    best_criterion: float | None = None
    worse_validations: int = 0
    """Validations since the best one."""
    stopped: bool = False
    """Whether patience ran out."""
    validations: list[dict[str, float]] = field(default_factory=list)
    loss_sums: list[list[list[float]]] = field(default_factory=list)
    """Losses since the last report, by rank."""
    norm_sum: float = 0.0
    """Gradient norms since the last report, of updates that were applied."""
    norm_updates: int = 0
    """How many those are."""
    overflows: int = 0
    """Updates lost to fp16's range, one after the other until now."""
    overflowed: int = 0
    """All updates lost to fp16's range."""
    guard: GuardState = field(default_factory=GuardState)

    def losses_of(self, rank: int, world_size: int) -> list[list[float]]:
        """The loss sums that a process goes on with.

        As many processes as before take up their own, so that sums are added in the same order;
        of another number the first takes up all.
        """
        if world_size == len(self.loss_sums):
            return self.loss_sums[rank]
        together = np.sum(self.loss_sums, axis=0)
        if rank > 0:
            together = np.zeros_like(together)
        found: list[list[float]] = together.tolist()
        return found

    def judge(self, criterion: float, *, patience: int | None) -> bool:
        """Whether this validation, of the present update, is the best so far; smaller is better.

        The run stops after more than `patience` others in a row.
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
    settings: Settings,
    files: RunFiles,
) -> None:
    """Fill a checkpoint."""
    save_file(encoder_weights(encoder), directory / _WEIGHTS)
    moments = {
        "adam": updater.optimizer.adam.state_dict(),
        "scaler": updater.scaler.state_dict(),
    }
    with (directory / _OPTIMIZER).open("wb") as file:  # whose errors are those of the disk
        torch.save(moments, file)
    content = asdict(state)
    # On disk, the state of a sampler is `[epoch, done]`.
    content["cursors"] = {name: list(at.values()) for name, at in content.pop("samplers").items()}
    (directory / _STATE).write_text(json.dumps(content) + "\n", encoding="utf-8")
    (directory / _SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    files.keep(directory)


def read_checkpoint(
    directory: Path, encoder: Encoder, updater: Updater, settings: Settings, device: torch.device
) -> RunState:
    """Restore weights and optimizer, and return the rest.

    Raises:
        TrainingError: it was made with other settings.
    """
    kept = json.loads((directory / _SETTINGS).read_text(encoding="utf-8"))
    require_compatible(kept, settings, where=str(directory))
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
    content["guard"] = GuardState(**content["guard"])
    return RunState(**content)


def save_best(best: Path, encoder: Encoder) -> None:
    """Make the present weights the best ones."""
    temporary = best.with_suffix(".part")
    save_file(encoder_weights(encoder), temporary)
    temporary.replace(best)


def load_best(best: Path, encoder: Encoder) -> None:
    """Give the encoder the best weights."""
    set_encoder_weights(encoder, load_file(best))
