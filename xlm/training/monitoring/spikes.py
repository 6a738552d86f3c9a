"""Looks at the gradient norm of every update: no number, a spike, or fine.

    guard = SpikeGuard(config, state.guard, diagnostics, clip_norm=5.0)
    if guard.admits(update, norm=norm, rate=rate, batch=share, loss=loss):
        adam.step()

The norm is that of the gradients of all processes together, the same in each, and not finite as
soon as any process's loss is not. So all decide alike without a word.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from torch import Tensor

from xlm.config.training.guards import GuardConfig
from xlm.dataloader.batch import Batch
from xlm.errors import TrainingError
from xlm.training.monitoring.diagnostics import Diagnostics, kept

log = logging.getLogger(__name__)

_LEAST_DEVIATION: Final = 0.1
"""Of the logarithms: where norms hardly differ, six of them are still a factor of 1.8."""
_LARGEST_LOG: Final = 700.0
"""exp of more is no float."""


@dataclass
class GuardState:
    """What the guard must remember to decide the same after a resume; part of a checkpoint."""

    recent: list[float] = field(default_factory=list)
    """Logarithms of the norms of the last updates, oldest first."""
    consecutive: int = 0
    """Spikes since the last update that was fine."""
    spikes: int = 0
    skipped: int = 0
    """Updates that were left out."""


def spike_threshold(recent: Sequence[float], *, sigmas: float) -> float:
    """The logarithm of the norm above which an update is a spike.

    Logarithms, because norms are positive and skewed: a few large ones would swell the deviation.
    """
    mean = math.fsum(recent) / len(recent)
    variance = math.fsum((value - mean) ** 2 for value in recent) / len(recent)
    return mean + sigmas * max(math.sqrt(variance), _LEAST_DEVIATION)


class SpikeMonitor:
    """Tells spikes from a window of recent norms; pure, all it knows is in its state."""

    def __init__(self, config: GuardConfig, state: GuardState) -> None:
        self._config = config
        self.state = state

    def threshold(self) -> float | None:
        """The norm above which the next update is a spike; None before the window is full."""
        if len(self.state.recent) < self._config.window:
            return None
        logarithm = spike_threshold(self.state.recent, sigmas=self._config.sigmas)
        return math.exp(min(logarithm, _LARGEST_LOG))

    def is_spike(self, norm: float) -> bool:
        """Judge the next norm and take it in.

        A spike that is applied enters the window as the threshold itself: it widens it a little, so
        that a lasting change becomes the new measure, while one outlier does not hide the next. An
        update that is left out has not happened, nor has its norm.
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

    def is_too_much(self) -> bool:
        """Whether more spikes came one after the other than are allowed."""
        return self.state.consecutive > self._config.max_consecutive


class SpikeGuard:
    """Says whether an update may be applied, and keeps what shows why not."""

    def __init__(
        self,
        config: GuardConfig,
        state: GuardState,
        diagnostics: Diagnostics,
        *,
        clip_norm: float | None,
    ) -> None:
        self._config = config
        self._monitor = SpikeMonitor(config, state)
        self._diagnostics = diagnostics
        self._clip_norm = math.inf if clip_norm is None else clip_norm
        self._threshold: float | None = None

    def admits(self, update: int, *, norm: float, rate: float, batch: Batch, loss: Tensor) -> bool:
        """Whether the update may be applied; diagnostics of the first spike of a row is written.

        Args:
            norm: of all gradients, before clipping.
            batch: that of all processes.
            loss: this process's part of it.

        Raises:
            TrainingError: the norm is not finite and updates may not be left out, a spike is to
                stop the run, or there were too many.
        """
        threshold = self._threshold = self._monitor.threshold()
        self._diagnostics.remember(update, norm=norm, rate=rate, loss=loss)
        if not self._monitor.is_spike(norm):
            return True
        finite, policy = math.isfinite(norm), self._config.spike
        too_much = self._monitor.is_too_much()
        stops = too_much or policy == "stop" or not (finite or policy == "skip")
        if stops:
            raise self.failure(update, norm=norm, rate=rate, batch=batch, too_much=too_much)
        if self._monitor.state.consecutive == 1:
            where = self._write(update, norm, rate, batch, threshold)
            log.warning(
                "update %d (%s): gradient norm %.4g, expected below %.4g; %s; %s",
                update, self._names(batch), norm, threshold or math.inf,
                "left out" if policy == "skip" else "applied", where,
            )  # fmt: skip
        return policy != "skip"

    def failure(
        self, update: int, *, norm: float, rate: float, batch: Batch, too_much: bool = False
    ) -> TrainingError:
        """What ends the run at this update; its diagnostics is written."""
        threshold = self._threshold
        where = self._write(update, norm, rate, batch, threshold)
        at = f"at update {update} ({self._names(batch)})"
        if too_much:
            count = self._monitor.state.consecutive
            what = f"{count} spikes of the gradient norm one after the other, {norm:.4g} {at}"
        elif math.isfinite(norm):
            limit = math.inf if threshold is None else threshold
            what = f"gradient norm {norm:.4g} {at} is above {limit:.4g}"
        else:
            what = f"loss or gradient is not finite {at}"
        fix = f"lower the learning rate or lengthen the warm-up; {where}"
        return TrainingError(what, fix=fix)

    def _write(
        self, update: int, norm: float, rate: float, batch: Batch, threshold: float | None
    ) -> str:
        finite = math.isfinite(norm)
        return kept(
            lambda: self._diagnostics.write(
                "spike" if finite else "not-finite",
                update,
                batch,
                scale=max(1.0, norm / self._clip_norm) if finite else 1.0,
                gradient_norm=norm,
                threshold=threshold,
                learning_rate=rate,
            )
        )

    def _names(self, batch: Batch) -> str:
        return " ".join(self._diagnostics.task_names(batch))
