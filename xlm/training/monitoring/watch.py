"""What the leading process shows of its run while it trains: one object for the trainer to tell.

    watch = RunWatch(job, update=state.update, machine=Machine.of(device, "bf16", world))
    watch.begins(rows)                       # mixture.png, mixture.md
    with watch.speed.waiting(): batch = ...
    watch.updated(update, batch)             # speed.jsonl, now and then
    watch.reported(record)                   # a line of metrics.jsonl
    watch.validated(state.validations)       # curves.png, curves.md
    watch.ends(state.validations)

All of it lies in the logs. Numbers go to TensorBoard too, documents (`*.md`) to whoever follows the
run, Prefect's UI for one. Nothing of this may end a run: what fails is told once and left out.
"""

import base64
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from xlm.dataloader.batch import Batch
from xlm.dataloader.mixture.figure import mixture_markdown, plot_mixture
from xlm.dataloader.mixture.preview import MixtureRow
from xlm.display.plotting import Style
from xlm.model.flops import StepShape, training_flops
from xlm.model.formats.description import ModelDescription
from xlm.store.disk.filesystem import write_atomically
from xlm.training.launch.job import CURVES, METRICS_FILE, MIXTURE, SPEED_FILE, PretrainJob
from xlm.training.monitoring.curves import curves_markdown, plot_curves, read_curves
from xlm.training.monitoring.tensorboard import FOLDER, EventFiles
from xlm.training.monitoring.throughput import Machine, ThroughputMeter

log = logging.getLogger(__name__)

_STYLE: Final = Style(100)
_SHARE_FOR_DRAWING: Final = 0.01
"""Of the run's time, at most."""


def batch_shape(batch: Batch) -> StepShape:
    """What the operations of a batch follow from; padding is none of the model's work."""
    rows, width = batch.tokens_BT.shape
    lengths = (
        [width] * rows
        if batch.attention_mask_BT is None
        else batch.attention_mask_BT.sum(axis=1).tolist()
    )
    return StepShape.of_lengths(lengths, predicted=batch.predicted.count, causal=batch.causal)


class RunWatch:
    """Speed lines, event files, figures and documents of one run."""

    def __init__(
        self, job: PretrainJob, description: ModelDescription, *, update: int, machine: Machine
    ) -> None:
        config = job.pretrain
        self._job, self._description = job, description
        self.speed = ThroughputMeter(
            job.logs / SPEED_FILE,
            update=update,
            total=config.updates,
            every=config.speed_updates,
            machine=machine,
        )
        self._events: EventFiles | None = None
        self._next_drawing = 0.0
        self._told: set[str] = set()
        if config.tensorboard:
            self._try("event files", lambda: self._open_events(update))

    def begins(self, rows: Sequence[MixtureRow]) -> None:
        """Show the mixture, before the first update."""
        self._try("the mixture", lambda: self._show_mixture(rows))

    def updated(self, update: int, batch: Batch) -> None:
        """Count an update's global batch."""
        flops = training_flops(self._description, batch_shape(batch))
        self._try("the speed", lambda: self._count(update, batch.real_tokens, flops))

    def reported(self, record: Mapping[str, Any]) -> None:
        """Take a line of `metrics.jsonl` in."""
        self._event("training", record)

    def validated(self, validations: Sequence[Mapping[str, float]]) -> None:
        """Take the newest of all validations in; draw, unless that was just done."""
        if validations:
            self._event("validation", validations[-1])
        if time.monotonic() >= self._next_drawing:
            self._draw(validations)

    def ends(self, validations: Sequence[Mapping[str, float]]) -> None:
        """Draw the curves of the whole run."""
        self._draw(validations)
        if self._events:
            self._try("event files", self._events.close)
            self._events = None

    def _count(self, update: int, tokens: int, flops: int) -> None:
        line = self.speed.count(update, tokens, flops=flops)
        if line:
            self._event("speed", {n: v for n, v in line.items() if n not in ("total", "seconds")})

    def _open_events(self, update: int) -> None:
        self._events = EventFiles(self._job.logs / FOLDER, next_step=update + 1)

    def _event(self, group: str, record: Mapping[str, Any]) -> None:
        events = self._events
        if events and not self._try("event files", lambda: events.write(group, record)):
            self._events = None

    def _show_mixture(self, rows: Sequence[MixtureRow]) -> None:
        self._document(MIXTURE, mixture_markdown(rows))
        if self._job.pretrain.figures:
            plot_mixture(self._job.logs / f"{MIXTURE}.png", rows, _STYLE)

    def _draw(self, validations: Sequence[Mapping[str, float]]) -> None:
        if not self._job.pretrain.figures:
            return
        began = time.monotonic()
        self._try("the curves", lambda: self._show_curves(validations))
        now = time.monotonic()
        self._next_drawing = now + (now - began) / _SHARE_FOR_DRAWING

    def _show_curves(self, validations: Iterable[Mapping[str, float]]) -> None:
        curves = read_curves(self._job.scratch / METRICS_FILE, validations)
        image = self._job.logs / f"{CURVES}.png"
        plot_curves(image, curves, _STYLE)
        self._document(CURVES, curves_markdown(curves, embedded(image.read_bytes())))

    def _document(self, name: str, text: str) -> None:
        write_atomically(self._job.logs / f"{name}.md", text.encode())

    def _try(self, what: str, action: Callable[[], None]) -> bool:
        try:
            action()
        except Exception as error:  # whatever it is, a training of days must not end for a picture
            if what not in self._told:
                log.warning("%s cannot be shown: %s", what, error)
            self._told.add(what)
            return False
        return True


def embedded(image: bytes) -> str:
    """A PNG inside of Markdown; Prefect's UI shows such pictures, it has no place for files."""
    return f"![curves](data:image/png;base64,{base64.b64encode(image).decode()})"
