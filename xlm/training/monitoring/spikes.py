"""Guards the run against spikes of the gradient norm and values that are not finite.

The norm is that of the gradients of all processes together. It is the same in every process, and
not finite as soon as the loss of any process is not. So all processes come to the same
decision without communication.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from xlm.config.training.guards import GuardConfig
from xlm.dataloader.batch import Batch
from xlm.errors import TrainingError
from xlm.training.monitoring.callback import Callback, TrainingRun
from xlm.training.monitoring.diagnostics import Diagnostics, try_write
from xlm.training.update import PendingUpdate

log = logging.getLogger(__name__)

_MIN_DEVIATION: Final = 0.1
"""Of the log norms: if they hardly differ, six deviations still are a factor of 1.8."""
_MAX_LOG: Final = 700.0
"""exp of more is not a finite float."""
_MAX_OVERFLOWS: Final = 50
"""Consecutive updates that may overflow in fp16 before the run stops."""


@dataclass
class SpikeState:
    """The state of a spike monitor; it is part of checkpoints."""

    recent: list[float] = field(default_factory=list)
    """Logarithms of the norms of recent updates, oldest first."""
    consecutive: int = 0
    """Spikes since the last update that was not a spike."""
    spikes: int = 0
    skipped: int = 0


class SpikeGuard(Callback):
    """Records spikes, skips their updates, or stops the run, as the configuration says."""

    name = "guard"

    def __init__(self, config: GuardConfig, *, clip_norm: float | None) -> None:
        self._config = config
        self._monitor = SpikeMonitor(config, SpikeState())
        self._clip_norm = math.inf if clip_norm is None else clip_norm
        self._threshold: float | None = None
        self._diagnostics: Diagnostics

    @property
    def skipped_updates(self) -> int:
        """Number of updates that were skipped because of a spike."""
        return self._monitor.state.skipped

    def on_run_start(self, run: TrainingRun) -> None:
        """Prepare to write diagnostics of this process."""
        group = run.group
        self._diagnostics = Diagnostics(
            run.job.logs / f"divergence-{group.rank}",
            run.encoder,
            run.loader.tasks,
            keep=self._config.diagnostics,
            config=run.config.model_dump(mode="json"),
            rank=group.rank,
            world_size=group.world_size,
        )

    def admits(self, update: PendingUpdate) -> bool:
        """Whether to apply the update; the first of consecutive spikes gets diagnostics.

        Raises:
            TrainingError: the norm is not finite and updates must not be skipped, spikes must stop
                the run, or there were too many consecutive spikes.
        """
        self._threshold = self._monitor.threshold()
        self._diagnostics.remember(update)
        norm = update.gradient_norm
        if not self._monitor.is_spike(norm):
            return True
        policy, too_many = self._config.spike, self._monitor.is_too_many()
        if too_many or policy == "stop" or not (math.isfinite(norm) or policy == "skip"):
            raise self._failure(update, too_many=too_many)
        if self._monitor.state.consecutive == 1:
            where = self._write(update)
            log.warning(
                "update %d (%s): gradient norm %.4g, expected below %.4g; %s; %s",
                update.number, self._names(update.batch), norm, self._threshold or math.inf,
                "skipped" if policy == "skip" else "applied", where,
            )  # fmt: skip
        return policy != "skip"

    def on_overflow(self, update: PendingUpdate, consecutive: int) -> None:
        """Stop a run if its gradients overflow at every loss scale.

        Raises:
            TrainingError: too many consecutive updates overflowed.
        """
        if consecutive > _MAX_OVERFLOWS:
            raise self._failure(update)

    def state_dict(self) -> dict[str, Any]:
        """The window of recent norms, and counters."""
        return asdict(self._monitor.state)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Decide as the run did before its checkpoint."""
        self._monitor = SpikeMonitor(self._config, SpikeState(**state_dict))

    def _failure(self, update: PendingUpdate, *, too_many: bool = False) -> TrainingError:
        where = self._write(update)
        norm, names = update.gradient_norm, self._names(update.batch)
        at = f"at update {update.number} ({names})"
        if too_many:
            count = self._monitor.state.consecutive
            what = f"{count} consecutive spikes of the gradient norm, {norm:.4g} {at}"
        elif math.isfinite(norm):
            limit = math.inf if self._threshold is None else self._threshold
            what = f"gradient norm {norm:.4g} {at} is above {limit:.4g}"
        else:
            what = f"loss or gradient is not finite {at}"
        return TrainingError(what, fix=f"lower the learning rate or lengthen the warm-up; {where}")

    def _write(self, update: PendingUpdate) -> str:
        norm = update.gradient_norm
        finite = math.isfinite(norm)
        return try_write(
            lambda: self._diagnostics.write(
                "spike" if finite else "not-finite",
                update,
                scale=max(1.0, norm / self._clip_norm) if finite else 1.0,
                gradient_norm=norm,
                threshold=self._threshold,
                learning_rate=update.learning_rate,
            )
        )

    def _names(self, batch: Batch) -> str:
        return " ".join(self._diagnostics.task_names(batch))


class SpikeMonitor:
    """Recognizes spikes by a window of recent norms; everything it depends on is its state."""

    def __init__(self, config: GuardConfig, state: SpikeState) -> None:
        self._config = config
        self.state = state

    def threshold(self) -> float | None:
        """The norm above which the next update is a spike; None: the window is not full yet."""
        if len(self.state.recent) < self._config.window:
            return None
        log_norm = spike_threshold(self.state.recent, sigmas=self._config.sigmas)
        return math.exp(min(log_norm, _MAX_LOG))

    def is_spike(self, norm: float) -> bool:
        """Whether the next norm is a spike; the norm is added to the window.

        A spike that is applied enters the window as the threshold. It widens the window a little,
        so a lasting change becomes normal, but a single outlier does not hide the next one. The
        norm of a skipped update does not enter the window.
        """
        state, threshold = self.state, self.threshold()
        finite = math.isfinite(norm)
        spike = not finite or (threshold is not None and norm > threshold)
        state.consecutive = state.consecutive + 1 if spike else 0
        state.spikes += spike
        if spike and self._config.spike == "skip":
            state.skipped += 1
        elif finite and norm > 0:
            seen = norm if threshold is None else min(norm, threshold)
            state.recent = [*state.recent, math.log(seen)][-self._config.window :]
        return spike

    def is_too_many(self) -> bool:
        """Whether there are more consecutive spikes than the configuration allows."""
        return self.state.consecutive > self._config.max_consecutive


def spike_threshold(recent: Sequence[float], *, sigmas: float) -> float:
    """The log norm above which an update is a spike: mean plus `sigmas` standard deviations.

    Norms are positive and skewed: without logarithms, a few large ones would inflate the deviation.
    """
    mean = math.fsum(recent) / len(recent)
    variance = math.fsum((value - mean) ** 2 for value in recent) / len(recent)
    return mean + sigmas * max(math.sqrt(variance), _MIN_DEVIATION)
