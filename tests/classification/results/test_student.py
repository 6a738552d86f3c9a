"""Quantiles of Student's t distribution against tables, and against closed forms."""

import math

import pytest

from xlm.classification.results.student import t_quantile


@pytest.mark.parametrize(
    ("probability", "degrees", "value"),
    [
        # NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
        (0.975, 1, 12.706), (0.975, 2, 4.303), (0.975, 3, 3.182), (0.975, 4, 2.776),
        (0.975, 9, 2.262), (0.975, 30, 2.042), (0.975, 100, 1.984), (0.95, 4, 2.132),
        (0.995, 4, 4.604), (0.999, 100, 3.174), (0.9, 5, 1.476),
    ],
)  # fmt: skip
def test_quantiles_are_those_of_the_tables(probability: float, degrees: int, value: float) -> None:
    assert t_quantile(probability, degrees) == pytest.approx(value, abs=5.1e-4)


def test_quantiles_with_a_closed_form_are_exact() -> None:
    for probability in (0.51, 0.9, 0.975, 0.9995):
        cauchy = math.tan(math.pi * (probability - 0.5))
        assert t_quantile(probability, 1) == pytest.approx(cauchy, rel=1e-11)
        share = 4 * probability * (1 - probability)
        two = 2 * (probability - 0.5) * math.sqrt(2 / share)
        assert t_quantile(probability, 2) == pytest.approx(two, rel=1e-11)


def test_fractions_of_degrees_lie_between_whole_ones() -> None:
    values = [t_quantile(0.975, degrees) for degrees in (2, 2.5, 3, 1000)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(1.9623, abs=1e-4)


@pytest.mark.parametrize(("probability", "degrees"), [(0.5, 3), (1.0, 3), (0.975, 0.5)])
def test_other_arguments_are_refused(probability: float, degrees: float) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        t_quantile(probability, degrees)
