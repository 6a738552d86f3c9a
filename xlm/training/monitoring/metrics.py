"""Writes the training metrics to `metrics.jsonl`, which becomes part of the artifact.

The file holds reproducible values only. Measured rates are written by `throughput`.
"""

import logging

from xlm.training.launch.job import METRICS_FILE
from xlm.training.monitoring.callback import Callback, MetricsKind, Record, TrainingRun
from xlm.training.records.json_lines import JsonLines

log = logging.getLogger(__name__)


class MetricsFile(Callback):
    """Appends a line for every report of the training loop."""

    name = "metrics"

    def on_run_start(self, run: TrainingRun) -> None:
        """Open the file; a resumed run has restored it from the checkpoint."""
        self._lines = JsonLines(run.job.scratch / METRICS_FILE)

    def on_metrics(self, kind: MetricsKind, record: Record) -> None:
        """Append a record of training."""
        if kind != "training":
            return
        self._lines.append(record)
        if not record["loss"]:
            log.warning(
                "no tokens were predicted since the last report (update %d)", record["step"]
            )
