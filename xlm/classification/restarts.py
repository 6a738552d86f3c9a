"""Restarts of fine-tuning: several runs with different seeds, of which the best is published.

    run_restarts(job, group)  # writes the published files to job.out

The choice depends on dev accuracies and on the order of the restarts, not on the number of
processes. A finished restart is saved in scratch, and not repeated after a kill.
"""

import json
import logging
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from xlm.classification.finetuner import Attempt, DivergedError, Finetuner
from xlm.classification.launch.jobs import FinetuneJob
from xlm.classification.results.attempts import ATTEMPTS_FILE, dev_accuracy, training_name
from xlm.classification.task_data import read_labels, row_sentences
from xlm.config.training.classification import FinetuneConfig
from xlm.errors import TrainingError
from xlm.model.formats.description import read_description, write_description
from xlm.model.formats.ours import WEIGHTS_FILE
from xlm.training.checkpoints import Checkpoints
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import SPEED_FILE
from xlm.training.records.throughput import ThroughputMeter

log = logging.getLogger(__name__)

_RECORD = "record.json"


def run_restarts(job: FinetuneJob, group: ProcessGroup) -> None:
    """Run restarts until one meets the target or all are done; the main process writes the files.

    Raises:
        TrainingError: fine-tuning collapsed with `collapse: error`, or cannot go on.
    """
    config = job.finetune
    done: list[dict[str, Any]] = []
    while len(done) < config.restarts and not _finished(config, done):
        restart = len(done) + group.rank
        if restart < config.restarts and _store(job, restart).newest() is None:
            _save(job, _try(job, restart, group))
        group.barrier()
        last = min(len(done) + group.world_size, config.restarts)
        done += [_record(job, number) for number in range(len(done), last)]
    considered = _considered(config, done)
    best = choose(config, considered)
    if group.is_main_process:
        _publish(job, considered, best)


def choose(config: FinetuneConfig, records: list[dict[str, Any]]) -> int:
    """The restart to publish: the one with the best score; the first of equal ones.

    Raises:
        TrainingError: a restart collapsed, and `collapse` is error.
    """
    collapsed = [record["restart"] for record in records if record["collapsed"]]
    if collapsed and config.collapse == "error":
        raise TrainingError(
            f"fine-tuning collapsed with learning rate {config.optimizer.learning_rate:g}: dev "
            f"accuracy in the training languages never exceeded chance (restarts {collapsed})",
            fix="lower the rate (finetune.sweep.learning_rates, or without them "
            "finetune.optimizer.learning_rate), lengthen the warm-up, or set finetune.collapse to "
            "retry, restart or report",
        )
    alive = [record for record in records if not record["collapsed"]] or records
    best: int = max(alive, key=lambda record: (record["score"], -record["restart"]))["restart"]
    return best


def _try(job: FinetuneJob, restart: int, group: ProcessGroup) -> Attempt:
    """Run a restart, and with `collapse: retry` once more if it collapses."""
    config, meter = job.finetune, _meter(job, restart, group)
    if config.collapse != "retry":
        return Finetuner(job, restart, group.device, meter).run()
    ended: dict[str, float | str]
    try:
        first = Finetuner(job, restart, group.device, meter).run()
        if not first.collapsed:
            return first
        ended = {"reason": "accuracy at chance", "updates": first.evaluations[-1]["step"]}
    except DivergedError as error:
        ended = {"reason": error.what}
    rate = config.optimizer.learning_rate
    log.warning("restart %d collapsed with learning rate %g: %s", restart, rate, ended["reason"])
    meter = _meter(job, restart, group, " again")
    second = Finetuner(
        job, restart, group.device, meter, rate_factor=config.collapse_rate, may_diverge=True
    ).run()
    second.collapsed_tries.append({"learning_rate": rate, **ended})
    return second


def _finished(config: FinetuneConfig, done: list[dict[str, Any]]) -> bool:
    return len(_considered(config, done)) < len(done) or _target_met(config, done[-1:])


def _considered(config: FinetuneConfig, done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records up to the first that met the target, as a single process would have run them."""
    for number, record in enumerate(done):
        if _target_met(config, [record]):
            return done[: number + 1]
    return done


def _target_met(config: FinetuneConfig, records: list[dict[str, Any]]) -> bool:
    target = config.target_accuracy
    return target is not None and any(dev_accuracy(record) >= target for record in records)


def _store(job: FinetuneJob, restart: int) -> Checkpoints:
    return Checkpoints(job.scratch / f"restart-{restart}", keep=1)


def _save(job: FinetuneJob, attempt: Attempt) -> None:
    def write(directory: Path) -> None:
        save_file(dict(attempt.weights), directory / WEIGHTS_FILE)
        text = json.dumps(attempt.record) + "\n"
        (directory / _RECORD).write_text(text, encoding="utf-8")

    _store(job, attempt.restart).save(attempt.kept_update, write)


def _record(job: FinetuneJob, restart: int) -> dict[str, Any]:
    directory = _finished_directory(job, restart)
    record: dict[str, Any] = json.loads((directory / _RECORD).read_text(encoding="utf-8"))
    return record


def _finished_directory(job: FinetuneJob, restart: int) -> Path:
    directory = _store(job, restart).newest()
    if directory is None:
        raise TrainingError(
            f"restart {restart} has no readable result in {job.scratch}", fix="run the stage again"
        )
    return directory


def _meter(
    job: FinetuneJob, restart: int, group: ProcessGroup, remark: str = ""
) -> ThroughputMeter | None:
    """Counts the updates of the main process."""
    if not group.is_main_process:
        return None
    return ThroughputMeter(
        job.logs / SPEED_FILE,
        update=0,
        total=job.finetune.updates,
        every=max(1, min(50, job.finetune.updates // 20)),
        note=f"restart {restart}{remark}",
        unit="pairs",
    )


def _publish(job: FinetuneJob, records: list[dict[str, Any]], best: int) -> None:
    out, directory = job.out, _finished_directory(job, best)
    (out / WEIGHTS_FILE).write_bytes((directory / WEIGHTS_FILE).read_bytes())
    description = read_description(job.encoder)
    labels = read_labels(job, description.vocabulary_hash)
    write_description(out, description.of_classifier(labels, row_sentences(job)))
    by_mean = job.finetune.select_by == "mean"
    selected_by = "mean" if by_mean else training_name(records[best])
    summary = {"kept_restart": best, "selected_by": selected_by, "attempts": records}
    text = json.dumps(summary, indent=1) + "\n"
    (out / ATTEMPTS_FILE).write_text(text, encoding="utf-8")
    rows = [{"restart": one["restart"], **row} for one in records for row in one["evaluations"]]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (out / "metrics.jsonl").write_text(lines, encoding="utf-8")
    log.info("restart %d of %d is published", best, len(records))
