"""Adam, with a schedule of learning rates and an optional separate rate for the embeddings.

    optimizer = build_optimizer(encoder.named_parameters(), config, schedule, updates)
    optimizer.set_update(0)
    norm = optimizer.clip()
    optimizer.adam.step()

torch's Adam adds epsilon to the bias-corrected root of the second moment, XLM's to the uncorrected
one. They differ only in the first updates (spec 4.1).
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from xlm.config.training.optimizer import OptimizerConfig, ScheduleConfig
from xlm.training.schedule import rate_schedule

_EMBEDDING_NAMES = ("embeddings.weight", "pred_layer.proj.bias")


@dataclass(frozen=True)
class ScheduledAdam:
    """An optimizer with a schedule for each parameter group."""

    adam: torch.optim.Optimizer
    rates: tuple[Callable[[int], float], ...]
    clip_norm: float | None

    def set_update(self, update: int) -> float:
        """Set the learning rates of an update, counted from 0; returns the rate of the layers."""
        for group, rate in zip(self.adam.param_groups, self.rates, strict=True):
            group["lr"] = rate(update)
        return self.rates[0](update)

    def clip(self) -> float:
        """Clip the gradients to `clip_norm`; returns the norm before clipping.

        If the norm is not finite, the gradients do not change: clipping would make all of them NaN.
        """
        parameters = [p for group in self.adam.param_groups for p in group["params"]]
        total = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        norm = float(total)
        # Below the limit, torch would multiply all gradients by one.
        if self.clip_norm is not None and self.clip_norm < norm < math.inf:
            nn.utils.clip_grads_with_norm_(parameters, self.clip_norm, total)
        return norm


def build_optimizer(
    parameters: Iterable[tuple[str, nn.Parameter]],
    config: OptimizerConfig,
    schedule: ScheduleConfig,
    updates: int,
    *,
    peak_rates: Mapping[str, float] | None = None,
) -> ScheduledAdam:
    """Adam over all trainable parameters.

    Args:
        parameters: names and parameters; those that need no gradient are left out.
        updates: number of updates of the run, for the schedule.
        peak_rates: peak learning rates by prefix of parameter names. By default, parameters get
            that of the config; token embeddings and the bias of the head may have a separate one.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {
        (config.learning_rate, config.weight_decay): []  # first, because its rate is reported
    }
    for name, parameter in parameters:
        if parameter.requires_grad:
            kind = (_peak(name, config, peak_rates or {}), _decay(parameter, config))
            groups.setdefault(kind, []).append(parameter)
    used = {kind: group for kind, group in groups.items() if group}
    adam = torch.optim.AdamW(
        [
            {"params": group, "lr": peak, "weight_decay": decay}
            for (peak, decay), group in used.items()
        ],
        betas=(config.beta1, config.beta2),
        eps=config.epsilon,
        fused=True,
    )
    rates = tuple(rate_schedule(schedule, peak=peak, updates=updates) for peak, _ in used)
    return ScheduledAdam(adam, rates, config.clip_norm)


def _decay(parameter: nn.Parameter, config: OptimizerConfig) -> float:
    # The only vectors are biases and the weights of layer norms.
    return config.weight_decay if config.decay_vectors or parameter.ndim > 1 else 0.0


def _peak(name: str, config: OptimizerConfig, peak_rates: Mapping[str, float]) -> float:
    for prefix, rate in peak_rates.items():
        if name.startswith(prefix):
            return rate
    # Only the tied token matrix and its bias, not position_embeddings or lang_embeddings.
    is_embedding = any(name == end or name.endswith("." + end) for end in _EMBEDDING_NAMES)
    if is_embedding and config.embedding_learning_rate is not None:
        return config.embedding_learning_rate
    return config.learning_rate
