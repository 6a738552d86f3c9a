"""Overfit check before a long run: can a copy of the model memorize one fixed batch?

The check uses the optimizer and the peak rate of the run, a short warm-up and no dropout. A model
that fails it would not learn in two weeks either. The model of the run does not change by a bit,
and no random number is drawn.
"""

import copy
import logging
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

import torch

from xlm.config.training.optimizer import ScheduleConfig
from xlm.config.training.pretrain import PretrainConfig
from xlm.dataloader.batch import Batch
from xlm.dataloader.device_batch import to_device
from xlm.dataloader.loader import BatchLoader
from xlm.dataloader.masking.device import DeviceMasker
from xlm.errors import TrainingError
from xlm.model.encoder import Encoder
from xlm.training.loss import MaskedLoss
from xlm.training.monitoring.callback import Callback, TrainingRun
from xlm.training.optimizer import build_optimizer

log = logging.getLogger(__name__)

_UPDATES_PER_WARMUP_UPDATE: Final = 10
"""The warm-up takes a tenth of the updates: post-norm layers need one."""


class OverfitCheck(Callback):
    """Runs the check before the first update of a run; a resumed run has passed it."""

    name = "overfit-check"

    def on_run_start(self, run: TrainingRun) -> None:
        """Check one batch of each objective, in every process.

        Raises:
            TrainingError: a batch was not memorized, in this or in another process.
        """
        if not run.config.overfit_check.updates or run.state.update:
            return
        updater, failure = run.updater, None
        batches = fixed_batches(run.loader, rows=run.config.overfit_check.rows)
        try:
            check_overfit(
                run.encoder,
                batches,
                run.config,
                updater.masker,
                precision=updater.precision,
            )
        except TrainingError as error:
            failure = error
        # All processes stop, and each knows the reason: the first that ends reports it.
        if run.group.any(failure is not None):
            raise failure or TrainingError("the overfit check failed in another process")


@dataclass(frozen=True)
class OverfitResult:
    """The loss of a fixed batch before and after the check."""

    first_loss: float
    last_loss: float

    @property
    def remaining(self) -> float:
        """The share of the first loss that is left."""
        return self.last_loss / self.first_loss if self.first_loss else 0.0


def fixed_batches(loader: BatchLoader, *, rows: int) -> dict[str, Batch]:
    """At most `rows` rows of the first batch of each objective; the loader's state is restored.

    Raises:
        TrainingError: a batch has no positions to predict.
    """
    state = loader.state_dict()
    objectives = {task.objective for task in loader.tasks}
    found: dict[str, Batch] = {}
    update = state["update"]
    while objectives - found.keys():
        objective = loader.objective(update)
        batch = loader.next_batch()
        update += 1
        if not batch.predicted.count:
            raise TrainingError(
                f"the first {objective} batch has no tokens to predict",
                fix="all its tokens are <unk> or </s>: check codes, vocabulary and shards",
            )
        # Every n-th row, so that every language of the batch is among them.
        if objective not in found:
            parts = math.ceil(len(batch.tokens_BT) / rows)
            found[objective] = batch.share(0, parts)
    loader.load_state_dict(state)
    return {objective: batch for objective, batch in found.items() if batch.predicted.count}


def check_overfit(
    encoder: Encoder,
    batches: Mapping[str, Batch],
    config: PretrainConfig,
    masker: DeviceMasker,
    *,
    precision: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> dict[str, OverfitResult]:
    """Train a copy of the model on each batch, starting from the same weights.

    Raises:
        TrainingError: a loss did not fall to the target, or is not finite.
    """
    check, results = config.overfit_check, {}
    for objective, batch in batches.items():
        result = _memorize(encoder, batch, config, masker, precision)
        results[objective] = result
        log.info(
            "overfit check on one %s batch: loss %.3f to %.3f in %d updates",
            objective, result.first_loss, result.last_loss, check.updates,
        )  # fmt: skip
        if not result.remaining <= check.target:
            raise TrainingError(
                f"one fixed {objective} batch was not memorized in {check.updates} updates: loss "
                f"{result.first_loss:.3f} to {result.last_loss:.3f}, target "
                f"{check.target * result.first_loss:.3f}",
                fix="the learning rate is too low or too high, or masks and targets do not fit; "
                "raise pretrain.overfit_check.updates, or set it to 0 for no check",
            )
    return results


def _memorize(
    encoder: Encoder,
    batch: Batch,
    config: PretrainConfig,
    masker: DeviceMasker,
    precision: Callable[[], AbstractContextManager[object]],
) -> OverfitResult:
    updates = config.overfit_check.updates
    model = copy.deepcopy(encoder)
    model.set_dropout(hidden=0.0, attention=0.0)
    model.train()
    schedule = ScheduleConfig(
        kind="constant",
        warmup_updates=updates // _UPDATES_PER_WARMUP_UPDATE,
        warmup_initial_rate=config.schedule.warmup_initial_rate,
    )
    optimizer = build_optimizer(model.named_parameters(), config.optimizer, schedule, updates)
    module = MaskedLoss(model)
    tensors = to_device(batch, next(model.parameters()).device, masker)

    def compute_loss() -> torch.Tensor:
        with precision():
            losses_N: torch.Tensor = module(*tensors)
        return losses_N.float().mean()

    first = math.nan
    for update in range(updates):
        loss = compute_loss()
        if update == 0:
            first = float(loss.detach())
        optimizer.adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.set_update(update)
        optimizer.clip()
        optimizer.adam.step()
    with torch.no_grad():
        return OverfitResult(first, float(compute_loss()))
