"""Measures tokens per second, FLOPs and waiting times, and writes them to `logs/speed.jsonl`.

Once a minute, it logs them with the losses: a job of a cluster may have nobody who waits for it.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from xlm.dataloader.batch import Batch
from xlm.model.flops import StepShape, training_flops
from xlm.training.launch.job import SPEED_FILE
from xlm.training.launch.reporting import status_line
from xlm.training.monitoring.callback import Callback, MetricsKind, Record, TrainingRun
from xlm.training.records.throughput import Machine, ThroughputMeter

_NOT_PLOTTED: Final = ("total", "seconds")
_LOG_SECONDS: Final = 50.0
"""Together with the time until the next line of `speed.jsonl`, about a minute."""

log = logging.getLogger(__name__)


class Throughput(Callback):
    """Counts the tokens and FLOPs of every update, and the time spent waiting for batches."""

    name = "throughput"
    may_fail = True

    def on_run_start(self, run: TrainingRun) -> None:
        """Start to measure."""
        config, group = run.config, run.group
        arithmetic = "tf32" if config.tf32 and config.precision == "fp32" else config.precision
        self._description, self._callbacks = run.description, run.callbacks
        self._losses: Mapping[str, float] = {}
        self._logged = time.monotonic() - _LOG_SECONDS
        self._meter = ThroughputMeter(
            run.job.logs / SPEED_FILE,
            update=run.state.update,
            total=config.updates,
            every=config.speed_updates,
            machine=Machine.of(group.device, arithmetic, group.world_size),
        )

    def before_batch(self) -> None:
        """Start to wait."""
        self._wait_began = time.monotonic()

    def after_batch(self) -> None:
        """Add the waiting time."""
        self._meter.add_waiting(time.monotonic() - self._wait_began)

    def on_metrics(self, kind: MetricsKind, record: Record) -> None:
        """Remember the losses."""
        if kind == "training":
            self._losses = record["loss"]

    def on_update(self, update: int, batch: Batch) -> None:
        """Count an update, and report a line when one is due."""
        flops = training_flops(self._description, batch_shape(batch))
        if line := self._meter.count(update, batch.real_tokens, flops=flops):
            record = {name: value for name, value in line.items() if name not in _NOT_PLOTTED}
            self._callbacks.on_metrics("speed", record)
            self._log(line)

    def _log(self, line: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if now - self._logged >= _LOG_SECONDS or line["step"] == line["total"]:
            self._logged = now
            log.info("%s", status_line(line, "updates", self._losses))


def batch_shape(batch: Batch) -> StepShape:
    """The row lengths and predictions of a batch, which its FLOPs follow from; no padding."""
    rows, width = batch.tokens_BT.shape
    mask_BT = batch.attention_mask_BT
    lengths = [width] * rows if mask_BT is None else mask_BT.sum(axis=1).tolist()
    return StepShape.of_lengths(lengths, predicted=batch.predicted.count, causal=batch.causal)
