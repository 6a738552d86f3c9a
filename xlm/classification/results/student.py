"""Quantiles of Student's t distribution, for intervals over a few repetitions.

t_quantile(0.975, degrees=4)  # 2.776

SciPy is not a dependency, and a normal approximation is far too narrow for three or five seeds.
"""

import math

_CLOSE = 1e-15
_SERIES_LIMIT = 0.9
"""Above this argument, the series for the other tail needs fewer terms."""


def t_quantile(probability: float, degrees: float) -> float:
    """The value that a t-distributed variable does not exceed with this probability.

    Args:
        probability: between 0.5 and 1, both excluded.
        degrees: degrees of freedom, at least 1; a fraction in Welch's intervals.

    Raises:
        ValueError: an argument is out of its range.
    """
    if not 0.5 < probability < 1 or degrees < 1:
        raise ValueError(f"no quantile for {probability} with {degrees} degrees of freedom")
    outside = 2 * (1 - probability)
    low, high = 0.0, 1.0
    while _outside(high, degrees) > outside:
        low, high = high, 2 * high
    while high - low > _CLOSE * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _outside(middle, degrees) > outside else (low, middle)
    return (low + high) / 2


def _outside(t: float, degrees: float) -> float:
    """The probability of a value beyond -t or t."""
    inside = t * t / (degrees + t * t)
    if inside <= _SERIES_LIMIT:
        return 1 - _incomplete_beta(inside, 0.5, degrees / 2)
    return _incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function (Abramowitz and Stegun 26.5.4)."""
    term = total = 1.0
    number = 0
    while term > _CLOSE * total:
        term *= x * (a + b + number) / (a + 1 + number)
        total += term
        number += 1
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return total * math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta) / a if x else 0.0
