"""The check of growth sees a quadratic program, and no slow constant."""

import pytest

from tests.growth import assert_linear


@pytest.mark.slow
def test_linear_work_passes_and_quadratic_work_does_not() -> None:
    assert_linear(lambda size: sum(range(size * 100)), 100_000)
    with pytest.raises(AssertionError, match="CPU seconds of 500 and of 4000"):
        assert_linear(lambda size: sum(1 for _ in range(size * size // 2)), 4000)
