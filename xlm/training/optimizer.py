"""Adam with a rate of its own for the embeddings, set anew before every update.

    optimizer = build_optimizer(encoder.named_parameters(), config, schedule, updates)
    optimizer.set_update(0)
    norm = optimizer.clip()
    optimizer.adam.step()

torch's Adam adds epsilon to the bias-corrected root, the original to the uncorrected one; they
differ in the first updates only (spec 4.1).
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
    """An optimizer whose groups each follow a schedule."""

    adam: torch.optim.Optimizer
    rates: tuple[Callable[[int], float], ...]
    clip_norm: float | None

    def set_update(self, update: int) -> float:
        """Set the rates of update 0, 1, ...; returns the layers' rate."""
        for group, rate in zip(self.adam.param_groups, self.rates, strict=True):
            group["lr"] = rate(update)
        return self.rates[0](update)

    def clip(self) -> float:
        """Cut the gradients to the norm; returns what it was before.

        Gradients that are no numbers are left as they are: cutting would spread them everywhere.
        """
        parameters = [p for group in self.adam.param_groups for p in group["params"]]
        total = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        norm = float(total)
        # Below the limit torch would multiply all of them by one.
        if self.clip_norm is not None and self.clip_norm < norm < math.inf:
            nn.utils.clip_grads_with_norm_(parameters, self.clip_norm, total)
        return norm


def build_optimizer(
    parameters: Iterable[tuple[str, nn.Parameter]],
    config: OptimizerConfig,
    schedule: ScheduleConfig,
    updates: int,
    *,
    own_rates: Mapping[str, float] | None = None,
) -> ScheduledAdam:
    """Adam over all trainable parameters.

    `own_rates` maps a prefix of parameter names to their own peak rate; the embeddings' rate of
    the config, if set, holds for the token embeddings and the head's bias.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {
        (config.learning_rate, config.weight_decay): []  # first: its rate is the one reported
    }
    for name, parameter in parameters:
        if parameter.requires_grad:
            kind = (_peak(name, config, own_rates or {}), _decay(parameter, config))
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
    # Biases and the weights of layer norms are the only vectors among the parameters.
    return config.weight_decay if config.decay_vectors or parameter.ndim > 1 else 0.0


def _peak(name: str, config: OptimizerConfig, own_rates: Mapping[str, float]) -> float:
    for prefix, rate in own_rates.items():
        if name.startswith(prefix):
            return rate
    # Not position_embeddings, not lang_embeddings: only the tied token matrix and its bias.
    embedding = any(name == end or name.endswith("." + end) for end in _EMBEDDING_NAMES)
    if embedding and config.embedding_learning_rate is not None:
        return config.embedding_learning_rate
    return config.learning_rate
