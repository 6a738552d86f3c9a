"""The loss at a batch's predicted positions, and its sums by task.

    losses_N = MaskedLoss(encoder)(*to_device(batch, device, masker), dropout_rng=rng)
    loss_sums.add(task_N, losses_N.detach())

The loss is one module, so that DistributedDataParallel can average its gradients.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from xlm.dataloader.tasks import TrainingTask
from xlm.model.cpu.dropout import DropoutRNG
from xlm.model.encoder import Encoder
from xlm.model.head import head_losses
from xlm.model.packing import PackedBatch, SelectedPositions, pack, select

_LOSS, _COUNT = range(2)
"""Columns of loss sums: the sum of losses, and the number of predicted tokens."""


class MaskedLoss(nn.Module):
    """Cross-entropy at every predicted position, and nowhere else."""

    def __init__(self, encoder: Encoder, *, compiled: bool = False) -> None:
        """`compiled`: use torch.compile, once for full rows and once for padded ones."""
        super().__init__()
        self.encoder = encoder
        self._measure = torch.compile(self._losses, dynamic=True) if compiled else self._losses

    def forward(
        self,
        tokens_BT: Tensor,
        languages_BT: Tensor,
        positions_BT: Tensor | None,
        attention_mask_BT: Tensor | None,
        selected_N: Tensor,
        targets_N: Tensor,
        causal: bool = False,
        dropout_rng: DropoutRNG | None = None,
    ) -> Tensor:
        """Losses in the order of `selected_N`, (N,).

        Args:
            selected_N: indices of the predicted positions, row by row through (B, T).
            dropout_rng: random numbers of dropout on a CPU; None, a GPU and a compiled module use
                torch's generator.
        """
        packed = pack(tokens_BT, languages_BT, positions_BT, attention_mask_BT)
        selected, order_N = select(packed, selected_N)
        losses_N = self._measure(packed, selected, targets_N[order_N], causal, dropout_rng)
        return torch.empty_like(losses_N).index_copy(0, order_N, losses_N)

    def _losses(
        self,
        packed: PackedBatch,
        selected: SelectedPositions,
        targets_N: Tensor,
        causal: bool,
        dropout_rng: DropoutRNG | None,
    ) -> Tensor:
        encoder = self.encoder
        states_ND = encoder.states(
            packed, selected, causal=causal, dropout_rng=dropout_rng, sparse=True
        )
        return head_losses(
            states_ND, encoder.embeddings.weight, encoder.pred_layer.proj.bias, targets_N
        )


class LossSums:
    """Sums of losses by training task in this process, since the last report."""

    def __init__(self, tasks: Sequence[TrainingTask], device: torch.device) -> None:
        self._tasks = tasks
        self.sums_K2 = torch.zeros(len(tasks), 2, dtype=torch.float64, device=device)
        """One row per task: the sum of losses, and the number of predicted tokens."""

    def add(self, task_N: Tensor, losses_N: Tensor) -> None:
        """Add the losses of predicted tokens; `task_N` are the indices of their tasks."""
        values_N2 = torch.stack([losses_N, torch.ones_like(losses_N)], dim=1)
        self.sums_K2.index_add_(0, task_N, values_N2.to(torch.float64))

    def means(self, total_K2: Tensor) -> dict[str, dict[str, float]]:
        """Mean losses by objective and by task, from the sums of all processes.

        Objectives and tasks without a predicted token are left out.
        """
        rows = total_K2.tolist()
        by_task = {
            task.name: row[_LOSS] / row[_COUNT]
            for task, row in zip(self._tasks, rows, strict=True)
            if row[_COUNT]
        }
        by_objective: dict[str, float] = {}
        for objective in dict.fromkeys(task.objective for task in self._tasks):
            chosen = [
                row
                for task, row in zip(self._tasks, rows, strict=True)
                if task.objective == objective
            ]
            count = sum(row[_COUNT] for row in chosen)
            if count:
                by_objective[objective] = sum(row[_LOSS] for row in chosen) / count
        return {"loss": by_objective, "loss_by_step": by_task}
