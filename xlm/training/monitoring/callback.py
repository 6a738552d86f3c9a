"""Callbacks: how guards, files, figures and trackers take part in a training run.

    class Tracker(Callback):
        name = "tracker"

        def on_metrics(self, kind, record):
            client.log({f"{kind}/{name}": value for name, value in record.items()})

    Trainer(job, group, [*standard_callbacks(job, group), Tracker()]).run()

The trainer calls each hook of all callbacks, in the order of its list. It knows none by name.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.pretrain import PretrainConfig
from xlm.dataloader.batch import Batch
from xlm.dataloader.loader import BatchLoader
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import PretrainJob
from xlm.training.state import RunState
from xlm.training.update import PendingUpdate, Updater

log = logging.getLogger(__name__)

MetricsKind = Literal["training", "validation", "speed"]
Record = Mapping[str, Any]
"""Names to values; `step` is the number of updates so far."""


class TrainingRun(Protocol):
    """What callbacks may use of a run: the public attributes of the trainer."""

    job: PretrainJob
    config: PretrainConfig
    group: ProcessGroup
    description: ModelDescription
    token_counts: NDArray[np.int64]
    """How often each id occurs in the training data, (V,)."""
    loader: BatchLoader
    encoder: Encoder
    updater: Updater
    state: RunState
    callbacks: "CallbackList"


class Callback:
    """Base class of callbacks: hooks that do nothing.

    In a run of several processes, every process has its own callbacks. Only the main process may
    write shared files. A hook that uses collectives must run in every process.
    """

    name: ClassVar[str]
    """Unique in a run: the key of the callback's state in checkpoints, and its name in the log."""
    may_fail: ClassVar[bool] = False
    """Whether the run goes on if a hook raises an exception; the first one is logged."""

    @property
    def skipped_updates(self) -> int:
        """Number of updates of the run that `admits` has refused."""
        return 0

    def on_run_start(self, run: TrainingRun) -> None:
        """The run is ready to train, and resumed from a checkpoint if there is one."""

    def before_batch(self) -> None:
        """The trainer takes the next batch, which may have to wait for data."""

    def after_batch(self) -> None:
        """The trainer has the next batch."""

    def admits(self, update: PendingUpdate) -> bool:
        """Whether to apply an update; otherwise it is skipped. All processes must decide alike."""
        return True

    def on_overflow(self, update: PendingUpdate, consecutive: int) -> None:
        """The gradients overflowed in fp16: the update is skipped, and the loss scale is halved.

        Args:
            consecutive: number of consecutive updates that overflowed.
        """

    def on_metrics(self, kind: MetricsKind, record: Record) -> None:
        """The trainer, or another callback, reports values."""

    def on_validation(
        self, validations: Sequence[Mapping[str, float]], predicted_ids: int | None
    ) -> None:
        """A validation has ended.

        Args:
            validations: records of all validations, the newest last.
            predicted_ids: number of distinct ids that the model predicted, in the task with the
                most of them; None: no data.
        """

    def on_update(self, update: int, batch: Batch) -> None:
        """Update number `update`, counted from 1, has ended, with its metrics and validation."""

    def on_checkpoint(self, directory: Path) -> None:
        """A checkpoint is complete on disk."""

    def on_run_end(self) -> None:
        """Training has ended, or a TrainingError stops it; an interruption does not call this."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint must hold, as JSON values; empty: nothing."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of a checkpoint; called before `on_run_start`."""


class CallbackList(Callback):
    """Calls the hooks of several callbacks, in order."""

    name = "callbacks"

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        names = [callback.name for callback in callbacks]
        if len(set(names)) < len(names):
            raise ValueError(f"two callbacks have the same name: {', '.join(sorted(names))}")
        self._callbacks = tuple(callbacks)
        self._failed: set[str] = set()

    @property
    def skipped_updates(self) -> int:
        """Number of updates of the run that any callback has refused."""
        return sum(callback.skipped_updates for callback in self._callbacks)

    def on_run_start(self, run: TrainingRun) -> None:
        """See `Callback`."""
        self._each(lambda callback: callback.on_run_start(run))

    def before_batch(self) -> None:
        """See `Callback`."""
        self._each(lambda callback: callback.before_batch())

    def after_batch(self) -> None:
        """See `Callback`."""
        self._each(lambda callback: callback.after_batch())

    def admits(self, update: PendingUpdate) -> bool:
        """Whether every callback admits the update; each one sees it."""
        admitted = [callback.admits(update) for callback in self._callbacks]
        return all(admitted)

    def on_overflow(self, update: PendingUpdate, consecutive: int) -> None:
        """See `Callback`."""
        self._each(lambda callback: callback.on_overflow(update, consecutive))

    def on_metrics(self, kind: MetricsKind, record: Record) -> None:
        """See `Callback`."""
        self._each(lambda callback: callback.on_metrics(kind, record))

    def on_validation(
        self, validations: Sequence[Mapping[str, float]], predicted_ids: int | None
    ) -> None:
        """See `Callback`."""
        self._each(lambda callback: callback.on_validation(validations, predicted_ids))

    def on_update(self, update: int, batch: Batch) -> None:
        """See `Callback`."""
        self._each(lambda callback: callback.on_update(update, batch))

    def on_checkpoint(self, directory: Path) -> None:
        """See `Callback`."""
        self._each(lambda callback: callback.on_checkpoint(directory))

    def on_run_end(self) -> None:
        """See `Callback`."""
        self._each(lambda callback: callback.on_run_end())

    def state_dict(self) -> dict[str, Any]:
        """The states of all callbacks that have one, by name."""
        states = {callback.name: callback.state_dict() for callback in self._callbacks}
        return {name: state for name, state in states.items() if state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the callbacks that have a saved state."""
        for callback in self._callbacks:
            if callback.name in state_dict:
                callback.load_state_dict(state_dict[callback.name])

    def _each(self, call: Callable[[Callback], None]) -> None:
        for callback in self._callbacks:
            try:
                call(callback)
            except Exception as error:
                if not callback.may_fail:
                    raise
                if callback.name not in self._failed:
                    log.warning("%s failed, training continues: %s", callback.name, error)
                self._failed.add(callback.name)
