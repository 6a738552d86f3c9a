"""Plots the curves of a run after validations and at its end: `curves.png`, `curves.md`."""

import base64
import time
from collections.abc import Mapping, Sequence
from typing import Final

from xlm.display.plotting import Style
from xlm.store.disk.filesystem import write_atomically
from xlm.training.launch.job import CURVES, METRICS_FILE
from xlm.training.monitoring.callback import Callback, TrainingRun
from xlm.training.records.curves import read_curves
from xlm.training.records.plots import curves_markdown, plot_curves

_STYLE: Final = Style(100)
_MAX_SHARE: Final = 0.01
"""Maximum share of the training time that plotting may take, apart from the last plot."""


class CurvePlots(Callback):
    """Plots losses, perplexities, learning rate and gradient norm."""

    name = "curves"
    may_fail = True

    def on_run_start(self, run: TrainingRun) -> None:
        """Find the files of the run."""
        self._job, self._state = run.job, run.state
        self._next_plot = 0.0

    def on_validation(
        self, validations: Sequence[Mapping[str, float]], predicted_ids: int | None
    ) -> None:
        """Plot the curves, unless the last plot is too recent."""
        began = time.monotonic()
        if began < self._next_plot:
            return
        try:
            self._plot()
        finally:
            now = time.monotonic()
            self._next_plot = now + (now - began) / _MAX_SHARE

    def on_run_end(self) -> None:
        """Plot the curves of the whole run."""
        self._plot()

    def _plot(self) -> None:
        curves = read_curves(self._job.scratch / METRICS_FILE, self._state.validations)
        image = self._job.logs / f"{CURVES}.png"
        plot_curves(image, curves, _STYLE)
        document = curves_markdown(curves, embed_png(image.read_bytes()))
        write_atomically(self._job.logs / f"{CURVES}.md", document.encode())


def embed_png(image: bytes) -> str:
    """An image as Markdown with its data inside, since Prefect's UI cannot show files."""
    return f"![curves](data:image/png;base64,{base64.b64encode(image).decode()})"
