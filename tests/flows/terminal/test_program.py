"""Errors about settings that Prefect cannot read."""

import os
import subprocess
import sys

import pytest

from tests.flows.console import REPOSITORY

_CHECK = """
from flows.terminal.program import run_program, require_valid_settings
run_program(lambda: require_valid_settings() or 0)
"""


def _check(**variables: str) -> tuple[int, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    done = subprocess.run(
        [sys.executable, "-c", _CHECK],
        cwd=REPOSITORY,
        env=kept | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PREFECT_CLIENT_MAX_RETRIES", "many", "PREFECT_CLIENT_MAX_RETRIES = 'many': Input should"),
        (
            "PREFECT_LOGGING_LEVEL",
            "loud",
            "PREFECT_LOGGING_LEVEL = 'LOUD': Input",
        ),
        ("PREFECT_CLIENT_CUSTOM_HEADERS", "{cAnArY", 'error parsing value for field "custom_head'),
        ("PREFECT_CLIENT_CUSTOM_HEADERS", '["cAnArY"]', "PREFECT_CLIENT_CUSTOM_HEADERS: Input"),
    ],
)
def test_a_setting_that_prefect_cannot_read_is_one_line(
    name: str, value: str, message: str
) -> None:
    """Prefect adds four lines when it is imported."""
    code, printed = _check(**{name: value})
    assert (code, len(printed.splitlines())) == (1, 1), printed
    assert printed.startswith("xlm: a Prefect setting is not valid: ")
    assert message in printed
    assert "cAnArY" not in printed


@pytest.mark.slow
def test_valid_settings_print_nothing() -> None:
    assert _check(PREFECT_CLIENT_MAX_RETRIES="2") == (0, "")
