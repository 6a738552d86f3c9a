"""One optimizer update: gradients of a global batch, in micro-batches, and an optimizer step.

updater = Updater(encoder, group, config, counts)
result = updater.update(batch, number=0, sums=loss_sums, admits=lambda update: True)
result.pending.gradient_norm, result.pending.learning_rate, result.applied
"""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from xlm.config.training.pretrain import PretrainConfig
from xlm.dataloader.batch import Batch
from xlm.dataloader.device_batch import to_device
from xlm.dataloader.loader import BatchLoader
from xlm.dataloader.masking.device import DeviceMasker
from xlm.dataloader.randomness import seed_dropout, torch_seed
from xlm.model.cpu.dropout import DropoutRNG
from xlm.model.encoder import Encoder
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.loss import LossSums, MaskedLoss
from xlm.training.optimizer import build_optimizer

_INITIAL_SCALE: Final = 65_536.0
_DTYPES: Final = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class PendingUpdate:
    """An update with computed gradients, which are not applied yet."""

    number: int
    """Counted from 0."""
    batch: Batch
    """The global batch."""
    learning_rate: float
    """Of the layers."""
    gradient_norm: float
    """Of all processes together, before clipping."""
    loss: Tensor
    """This process's part of the mean loss, a scalar on its device."""


@dataclass(frozen=True)
class UpdateResult:
    """The outcome of an update."""

    pending: PendingUpdate
    applied: bool
    """Whether the weights changed."""
    overflowed: bool
    """Whether the gradients overflowed in fp16: the update was skipped, and the scale halved."""


class Updater:
    """Everything that an update changes: weights, moments, and the loss scale of fp16."""

    def __init__(
        self,
        encoder: Encoder,
        group: ProcessGroup,
        config: PretrainConfig,
        counts: NDArray[np.int64],
    ) -> None:
        """`counts`: how often each id occurs in the training data, (V,)."""
        self._group, self._config = group, config
        self.optimizer = build_optimizer(
            encoder.named_parameters(), config.optimizer, config.schedule, config.updates
        )
        self.scaler = torch.amp.GradScaler(
            group.device.type,
            # Each process multiplies its loss by the number of processes, which fp16 sees too.
            init_scale=_INITIAL_SCALE / group.world_size,
            enabled=config.precision == "fp16",
        )
        self.masker = DeviceMasker(counts, config, group.device)
        encoder.recompute_activations = config.recompute_activations
        self._module: nn.Module = MaskedLoss(encoder, compiled=config.compile)
        if group.world_size > 1:
            self._module = DistributedDataParallel(self._module, gradient_as_bucket_view=True)

    def update(
        self,
        batch: Batch,
        number: int,
        sums: LossSums,
        admits: Callable[[PendingUpdate], bool],
    ) -> UpdateResult:
        """Compute the gradients of the mean loss of a batch, and apply them.

        Args:
            number: of the update, from 0; learning rate and dropout follow from it.
            sums: get the losses added.
            admits: decides whether to apply the update, unless fp16 overflowed; may raise.
        """
        optimizer = self.optimizer
        optimizer.adam.zero_grad()
        loss = self._accumulate(batch, number, sums)
        learning_rate = optimizer.set_update(number)
        self.scaler.unscale_(optimizer.adam)
        norm = optimizer.clip()
        pending = PendingUpdate(number, batch, learning_rate, norm, loss)
        overflowed = self.scaler.is_enabled() and not math.isfinite(norm)
        applied = not overflowed and admits(pending)
        if applied or overflowed:
            self.scaler.step(optimizer.adam)  # skips an update that overflowed
        self.scaler.update()
        return UpdateResult(pending, applied=applied, overflowed=overflowed)

    def settle_buckets(self, loader: BatchLoader) -> None:
        """Make DistributedDataParallel fix its gradient buckets before the first update.

        It rebuilds the buckets after its first backward pass. With three or more processes, this
        changes the order of sums, so the first update of a resumed run would differ from that of
        an uninterrupted run. The state of the loader is restored.
        """
        if self._group.world_size == 1:
            return
        state = loader.state_dict()
        for _ in range(2):
            for loss in self._losses(loader.next_batch(), 0, None):
                loss.backward()  # type: ignore[no-untyped-call]
        loader.load_state_dict(state)
        self.optimizer.adam.zero_grad()

    def precision(self) -> AbstractContextManager[object]:
        """A context in which matrix products use the precision of the configuration."""
        dtype = _DTYPES.get(self._config.precision)
        if dtype is None:
            return nullcontext()
        return torch.autocast(self._group.device.type, dtype)

    def _accumulate(self, batch: Batch, number: int, sums: LossSums) -> Tensor:
        total = torch.zeros((), device=self._group.device)
        for loss in self._losses(batch, number, sums):
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    def _losses(self, batch: Batch, number: int, sums: LossSums | None) -> Iterator[Tensor]:
        """The loss of each micro-batch of this process; their sum is its part of the mean loss.

        The caller runs the backward pass of each before it takes the next. The last one averages
        the gradients over the processes.
        """
        group, micro_batches = self._group, self._micro_batches(batch)
        # DDP averages gradients over processes, but the loss is a mean over all predictions.
        scale = group.world_size / max(batch.predicted.count, 1)
        stride = group.world_size * micro_batches
        for micro_batch in range(micro_batches):
            first = group.rank + group.world_size * micro_batch
            share = batch.share(first, stride)
            # `share` is the first row if there is none for this process.
            rows_B = range(first, len(batch.tokens_BT), stride) or range(1)
            dropout_rng = DropoutRNG(torch_seed(self._config.seed, "dropout"), number, rows_B)
            # A GPU and a compiled module use torch's generator instead.
            seed = torch_seed(self._config.seed, "dropout", number, group.rank, micro_batch)
            seed_dropout(group.device, seed)
            tensors = to_device(share, group.device, self.masker)
            with self._gradient_sync(micro_batch == micro_batches - 1):
                with self.precision():
                    losses_N = self._module(*tensors, dropout_rng)
                if sums:
                    task_B = torch.from_numpy(share.task_B).to(group.device)
                    task_N = task_B[tensors.selected_N // share.tokens_BT.shape[1]]
                    sums.add(task_N, losses_N.detach())
                yield losses_N.sum() * scale

    def _micro_batches(self, batch: Batch) -> int:
        """The number of micro-batches in each process; the same in all processes."""
        limit = self._config.micro_batch_tokens
        rows, width = batch.tokens_BT.shape
        rows = -(-rows // self._group.world_size)
        # A micro-batch has whole rows, at least one.
        return 1 if limit is None else -(-rows // max(1, limit // width))

    def _gradient_sync(self, is_last: bool) -> AbstractContextManager[object]:
        if is_last or not isinstance(self._module, DistributedDataParallel):
            return nullcontext()
        return self._module.no_sync()
