"""The run's numbers as TensorBoard event files, by the leading process alone.

    events = EventFiles(logs / "tensorboard", next_step=state.update + 1)
    events.write("metrics", {"step": 50, "loss": {"mlm": 5.2}, "learning_rate": 1e-4})
    events.close()

Look at them with `tensorboard --logdir <logs>/tensorboard`. A resumed run marks what the killed one
wrote behind its checkpoint as void (TensorBoard's purge step), so that no point is there twice.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"
"""In the logs of a run."""


class EventFiles:
    """Scalars by name and step; written through at once, so that a kill loses none."""

    def __init__(self, folder: Path, *, next_step: int) -> None:
        # Imported here: a run that wants no event files should not wait for it.
        from torch.utils.tensorboard import SummaryWriter

        # Only where there is something to void: a purge step of its own is a record too.
        earlier = folder.is_dir() and any(folder.iterdir())
        purge_step = next_step if earlier else None
        self._writer: Any = SummaryWriter(str(folder), purge_step=purge_step)

    def write(self, group: str, record: Mapping[str, Any]) -> None:
        """Add every number of a record that has a `step`; what is nested gets a name of its own.

        Values that are not finite are kept: TensorBoard shows them as triangles.
        """
        step = int(record["step"])
        for name, value in _numbers(group, record):
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left and close the file."""
        self._writer.close()


def _numbers(prefix: str, record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in record.items():
        if name == "step":
            continue
        if isinstance(value, Mapping):
            yield from _numbers(f"{prefix}/{name}", value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}/{name}", float(value)
