"""A strike that fails ends the run."""

import subprocess
import time

import pytest

from tests.training.launch.striking import striking


def test_a_strike_that_fails_ends_the_run_and_fails_the_test() -> None:
    def strike() -> None:
        raise AssertionError("no checkpoint came")

    with subprocess.Popen(["sleep", "600"]) as process:
        began = time.monotonic()
        with (
            pytest.raises(AssertionError, match="no checkpoint came"),
            striking(strike, lambda: [process.pid]),
        ):
            assert process.wait() == 0
    assert time.monotonic() - began < 60
