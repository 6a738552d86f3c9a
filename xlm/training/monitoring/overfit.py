"""A trial before a long run: can a copy of the model learn one fixed batch by heart?

    check_overfit(encoder, {"mlm": batch}, pretrain_config, masker)

It uses the run's optimizer and peak rate, a short warm-up, no dropout. What cannot even do this
will learn nothing in two weeks either. The model that is given stays as it is, to the bit, and no
random number is drawn.
"""

import copy
import logging
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from xlm.config.training.optimizer import ScheduleConfig
from xlm.config.training.pretrain import PretrainConfig
from xlm.dataloader.batch import Batch
from xlm.dataloader.device_batch import to_device
from xlm.dataloader.loader import BatchLoader
from xlm.dataloader.masking.device import DeviceMasker
from xlm.errors import TrainingError
from xlm.model.encoder import Encoder
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.loss import MaskedLoss
from xlm.training.optimizer import build_optimizer
from xlm.training.update import Updater

log = logging.getLogger(__name__)

_WARMUP_PARTS = 10
"""The warm-up is this part of the trial's updates: post-norm layers need one."""


@dataclass(frozen=True)
class Trial:
    """How one fixed batch went."""

    first_loss: float
    last_loss: float

    @property
    def share(self) -> float:
        """What is left of the loss at the start."""
        return self.last_loss / self.first_loss if self.first_loss else 0.0


def trial_batches(loader: BatchLoader, *, rows: int) -> dict[str, Batch]:
    """Some rows of the first batch of each objective; the loader goes back to where it was.

    Raises:
        TrainingError: nothing of a batch can be predicted.
    """
    state = loader.state_dict()
    wanted = {task.objective for task in loader.tasks}
    found: dict[str, Batch] = {}
    update = state["update"]
    while wanted - found.keys():
        objective = loader.objective(update)
        batch = loader.next_batch()
        update += 1
        if not batch.predicted.count:
            raise TrainingError(
                f"nothing of the first {objective} batch can be predicted",
                fix="its tokens are all <unk> or </s>: check codes, vocabulary and shards",
            )
        # Every n-th row, so that languages that share a batch are all among them.
        if objective not in found:
            parts = math.ceil(len(batch.tokens_BT) / rows)
            found[objective] = batch.share(0, parts)
    loader.load_state_dict(state)
    return {objective: batch for objective, batch in found.items() if batch.predicted.count}


def require_learning(
    encoder: Encoder,
    loader: BatchLoader,
    config: PretrainConfig,
    *,
    group: ProcessGroup,
    updater: Updater,
) -> None:
    """See in every process whether one batch of each objective can be learned.

    Raises:
        TrainingError: it cannot, here or in another process.
    """
    failure: TrainingError | None = None
    batches = trial_batches(loader, rows=config.overfit_check.rows)
    try:
        # In every process, so that each knows why: whichever ends first says it.
        check_overfit(encoder, batches, config, updater.masker, precision=updater.precision)
    except TrainingError as error:
        failure = error
    if group.any(failure is not None):
        raise failure or TrainingError("the trial on one batch failed in another process")


def check_overfit(
    encoder: Encoder,
    batches: Mapping[str, Batch],
    config: PretrainConfig,
    masker: DeviceMasker,
    *,
    precision: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> dict[str, Trial]:
    """Train a copy on each batch in turn, each from the same start; returns how it went.

    Raises:
        TrainingError: a loss did not fall to the target, or is no number.
    """
    check, trials = config.overfit_check, {}
    for objective, batch in batches.items():
        trial = _learn(encoder, batch, config, masker, precision)
        trials[objective] = trial
        log.info(
            "trial on one %s batch: loss %.3f to %.3f in %d updates",
            objective, trial.first_loss, trial.last_loss, check.updates,
        )  # fmt: skip
        if not trial.share <= check.target:
            raise TrainingError(
                f"one fixed {objective} batch was not learned in {check.updates} updates: loss "
                f"{trial.first_loss:.3f} to {trial.last_loss:.3f}, wanted "
                f"{check.target * trial.first_loss:.3f}",
                fix="the learning rate is too low or too high, or masks and targets do not fit; "
                "give it more pretrain.overfit_check.updates, or none to leave the trial out",
            )
    return trials


def _learn(
    encoder: Encoder,
    batch: Batch,
    config: PretrainConfig,
    masker: DeviceMasker,
    precision: Callable[[], AbstractContextManager[object]],
) -> Trial:
    updates = config.overfit_check.updates
    trained = copy.deepcopy(encoder)
    trained.set_dropout(hidden=0.0, attention=0.0)
    trained.train()
    schedule = ScheduleConfig(
        kind="constant",
        warmup_updates=updates // _WARMUP_PARTS,
        warmup_initial_rate=config.schedule.warmup_initial_rate,
    )
    optimizer = build_optimizer(trained.named_parameters(), config.optimizer, schedule, updates)
    module = MaskedLoss(trained)
    tensors = to_device(batch, next(trained.parameters()).device, masker)

    def loss_now() -> torch.Tensor:
        with precision():
            losses_N: torch.Tensor = module(*tensors)
        return losses_N.float().mean()

    first = math.nan
    for update in range(updates):
        loss = loss_now()
        if update == 0:
            first = float(loss.detach())
        optimizer.adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.set_update(update)
        optimizer.clip()
        optimizer.adam.step()
    with torch.no_grad():
        return Trial(first, float(loss_now()))
