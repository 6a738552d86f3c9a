"""`assert_linear` accepts linear work and rejects quadratic work."""

import pytest

from tests.growth import assert_linear


@pytest.mark.slow
def test_linear_work_passes_and_quadratic_work_fails() -> None:
    assert_linear(lambda size: sum(range(size * 100)), 100_000)
    with pytest.raises(AssertionError, match="CPU seconds for 1000 and for 8000"):
        assert_linear(lambda size: sum(1 for _ in range(size * size // 2)), 8000)
