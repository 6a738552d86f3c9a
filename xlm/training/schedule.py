"""Schedules of the learning rate.

schedule = rate_schedule(config, peak=1e-4, updates=200_000)
schedule(0), schedule(4000), schedule(16000)  # 1e-7, 1e-4, 5e-5
"""

import math
from collections.abc import Callable

from xlm.config.training.optimizer import ScheduleConfig


def rate_schedule(config: ScheduleConfig, *, peak: float, updates: int) -> Callable[[int], float]:
    """The learning rate by update, from 0: a linear warm-up to `peak`, then a decay.

    XLM: lr0 + n (lr - lr0) / W during W warm-up updates, then lr sqrt(W / n) (spec 4.1).
    """
    warmup, initial = config.warmup_updates, config.warmup_initial_rate

    def rate(update: int) -> float:
        if update < warmup:
            return initial + update * (peak - initial) / warmup
        if config.kind == "inverse_sqrt":
            return peak * math.sqrt(max(warmup, 1) / max(update, 1))
        if config.kind == "linear":
            begin = max(warmup, config.decay_from * updates)
            # The line reaches zero one update after the last, which still has a rate.
            return peak * min(1.0, max(0.0, (updates - update) / max(updates - begin, 1)))
        return peak

    return rate
