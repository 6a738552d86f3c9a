"""Writes the metrics of a run as TensorBoard event files in `logs/tensorboard`.

    tensorboard --logdir <logs>/tensorboard

A resumed run invalidates the events after its checkpoint (TensorBoard's purge step), so that no
value appears twice.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from xlm.training.monitoring.callback import Callback, MetricsKind, Record, TrainingRun

_FOLDER: Final = "tensorboard"


class TensorBoard(Callback):
    """Writes every reported number as a scalar: `training/loss/mlm`, `speed/tokens_per_second`."""

    name = "tensorboard"
    may_fail = True

    def __init__(self) -> None:
        self._events: EventFiles | None = None

    def on_run_start(self, run: TrainingRun) -> None:
        """Open the event files."""
        self._events = EventFiles(run.job.logs / _FOLDER, next_step=run.state.update + 1)

    def on_metrics(self, kind: MetricsKind, record: Record) -> None:
        """Write the numbers of a record."""
        if self._events:
            self._events.write(kind, record)

    def on_run_end(self) -> None:
        """Close the event files."""
        if self._events:
            self._events.close()


class EventFiles:
    """Scalars by name and step; flushed after every record, so that a kill loses none."""

    def __init__(self, folder: Path, *, next_step: int) -> None:
        # A run without event files does not wait for this import.
        from torch.utils.tensorboard import SummaryWriter

        # A purge step is a record too, so it is only written if there are earlier events.
        has_events = folder.is_dir() and any(folder.iterdir())
        purge_step = next_step if has_events else None
        self._writer: Any = SummaryWriter(str(folder), purge_step=purge_step)

    def write(self, group: str, record: Mapping[str, Any]) -> None:
        """Write every number of a record at its `step`, named `group/key/nested key`.

        Values that are not finite are written too: TensorBoard shows them as triangles.
        """
        step = int(record["step"])
        for name, value in _numbers(group, record):
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Flush and close the file."""
        self._writer.close()


def _numbers(prefix: str, record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in record.items():
        if name == "step":
            continue
        if isinstance(value, Mapping):
            yield from _numbers(f"{prefix}/{name}", value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}/{name}", float(value)
