"""One optimizer update on a global batch: this process's share of it, in parts that fit its memory.

updater = Updater(encoder, group, config, counts)
done = updater.update(batch, number=0)
done.gradient_norm, done.rate
"""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

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
from xlm.training.loss import MaskedLoss
from xlm.training.monitoring.metrics import LossSums
from xlm.training.optimizer import build_optimizer

_FIRST_SCALE = 65_536.0
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Updated:
    """What an update was."""

    rate: float
    """Learning rate of the layers."""
    gradient_norm: float
    """Before it was cut; not finite where fp16 overflowed."""
    loss: Tensor
    """This process's part of the mean loss."""
    overflowed: bool
    """Whether fp16 overflowed: the weights are as before and the scale is halved."""
    applied: bool
    """Whether the weights have changed."""


Admits = Callable[[float, float, Tensor], bool]
"""Whether an update with this gradient norm, rate and loss may be applied; may raise."""


class Updater:
    """Holds what an update changes: weights, moments and the scale of the loss."""

    def __init__(
        self,
        encoder: Encoder,
        group: ProcessGroup,
        config: PretrainConfig,
        counts: NDArray[np.int64],
    ) -> None:
        self._group, self._config = group, config
        self.optimizer = build_optimizer(
            encoder.named_parameters(), config.optimizer, config.schedule, config.updates
        )
        self.scaler = torch.amp.GradScaler(
            group.device.type,
            # A process's part of the loss is multiplied by their number: fp16 sees both factors.
            init_scale=_FIRST_SCALE / group.world_size,
            enabled=config.precision == "fp16",
        )
        self.masker = DeviceMasker(counts, config, group.device)
        encoder.recompute_activations = config.recompute_activations
        self._module: nn.Module = MaskedLoss(encoder, compiled=config.compile)
        if group.world_size > 1:
            self._module = DistributedDataParallel(self._module, gradient_as_bucket_view=True)

    def update(self, batch: Batch, number: int, sums: LossSums, admits: Admits) -> Updated:
        """Compute the gradient of the mean loss over all predicted places, and step if admitted.

        The losses are added to `sums`. What fp16 lost to its range, the scaler leaves out; all else
        `admits` is asked for.
        """
        optimizer = self.optimizer
        optimizer.adam.zero_grad()
        loss = self._accumulate(batch, number, sums)
        rate = optimizer.set_update(number)
        self.scaler.unscale_(optimizer.adam)
        norm = optimizer.clip()
        overflowed = self.scaler.is_enabled() and not math.isfinite(norm)
        applied = not overflowed and admits(norm, rate, loss)
        if applied or overflowed:
            self.scaler.step(optimizer.adam)
        self.scaler.update()
        return Updated(rate, norm, loss, overflowed=overflowed, applied=applied)

    def settle(self, loader: BatchLoader) -> None:
        """Let DistributedDataParallel settle the order of its buckets before the first update.

        It rebuilds them after its first pass, and with them the order in which three or more
        processes add: a resumed run would differ in its first update. The batches of this are
        drawn again.
        """
        if self._group.world_size == 1:
            return
        state = loader.state_dict()
        for _ in range(2):
            for loss in self._losses(loader.next_batch(), 0, None):
                loss.backward()  # type: ignore[no-untyped-call]
        loader.load_state_dict(state)
        self.optimizer.adam.zero_grad()

    def _accumulate(self, batch: Batch, number: int, sums: LossSums) -> Tensor:
        total = torch.zeros((), device=self._group.device)
        for loss in self._losses(batch, number, sums):
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    def _losses(self, batch: Batch, number: int, sums: LossSums | None) -> Iterator[Tensor]:
        """This process's part of the mean loss, in as many parts as its memory asks for.

        Each is to be used before the next is asked for; gradients are exchanged with the last.
        """
        group, parts = self._group, self._parts(batch)
        # Gradients are averaged over processes: their sum over all places by the count of all.
        scale = group.world_size / max(batch.predicted.count, 1)
        for part in range(parts):
            first, step = group.rank + group.world_size * part, group.world_size * parts
            share = batch.share(first, step)
            # A process without a row of its own computes the first one.
            rows_B = range(first, len(batch.tokens_BT), step) or range(1)
            dropout_rng = DropoutRNG(torch_seed(self._config.seed, "dropout"), number, rows_B)
            # A GPU and a compiled module draw from this one.
            seed = torch_seed(self._config.seed, "dropout", number, group.rank, part)
            seed_dropout(group.device, seed)
            tensors = to_device(share, group.device, self.masker)
            with self._exchange(part == parts - 1):
                with self.precision():
                    losses_N = self._module(*tensors, dropout_rng)
                if sums:
                    task_B = torch.from_numpy(share.task_B).to(group.device)
                    task_N = task_B[tensors.selected_N // share.tokens_BT.shape[1]]
                    sums.add(task_N, losses_N.detach())
                yield losses_N.sum() * scale

    def _parts(self, batch: Batch) -> int:
        """How many parts each process cuts its share into; the same in all of them."""
        limit = self._config.micro_batch_tokens
        rows, width = batch.tokens_BT.shape
        rows = -(-rows // self._group.world_size)
        # Whole rows: what is left of the limit behind the last one cannot be used.
        return 1 if limit is None else -(-rows // max(1, limit // width))

    def _exchange(self, last: bool) -> AbstractContextManager[object]:
        if last or not isinstance(self._module, DistributedDataParallel):
            return nullcontext()
        return self._module.no_sync()

    def precision(self) -> AbstractContextManager[object]:
        """In it, matrix products are computed as the configuration says."""
        dtype = _DTYPES.get(self._config.precision)
        if dtype is None:
            return nullcontext()
        return torch.autocast(self._group.device.type, dtype)
