"""`ProgressRate`: the rate of the current attempt, from its last reports."""

import pytest

from xlm.display.progress_rate import ProgressRate


def test_a_resumed_run_has_the_rate_of_this_attempt() -> None:
    """Counting the updates of the earlier attempt would give 57 per second instead of 25."""
    rate = ProgressRate()
    assert rate.rate() is None
    rate.report(60.0, 190_000)  # after one minute of start-up
    assert (rate.rate(), rate.seconds_left(200_000)) == (None, None)
    for number in range(1, 20):
        rate.report(60.0 + 4 * number, 190_000 + 100 * number)
    assert rate.rate() == pytest.approx(25)
    assert rate.seconds_left(200_000) == pytest.approx((10_000 - 1_900) / 25)


def test_only_the_last_reports_count() -> None:
    rate = ProgressRate()
    for number in range(20):
        rate.report(10.0 * number, 10 * number)
    for number in range(20):
        rate.report(200.0 + 10 * number, 200 + 1000 * number)
    assert rate.rate() == pytest.approx(100)


def test_frequent_reports_are_merged() -> None:
    rate = ProgressRate()
    for number in range(1000):
        rate.report(number / 100, number)
    assert rate.rate() == pytest.approx(100, rel=0.02)


def test_restarted_work_has_a_new_rate() -> None:
    """Each restart of fine-tuning counts from 0."""
    rate = ProgressRate()
    for number in (0, 50, 100):
        rate.report(float(number), number)
    rate.report(110.0, 0)
    assert rate.rate() is None
    rate.report(120.0, 20)
    assert rate.rate() == pytest.approx(2)
