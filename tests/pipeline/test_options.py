"""The options of a run are declared once: request, command line and flow have the same ones."""

from typing import Any

import pytest
import typer.main

from flows.commands.main import app
from xlm.pipeline.options import PLAN_OPTIONS, RUN_OPTIONS, RunOption
from xlm.pipeline.request import RunRequest

NAMES = {option.name for option in RUN_OPTIONS}


def test_the_request_has_a_field_for_each_option() -> None:
    assert set(RunRequest.model_fields) == NAMES


@pytest.mark.parametrize("option", RUN_OPTIONS, ids=lambda option: option.name)
def test_defaults_are_those_of_the_request(option: RunOption) -> None:
    assert (option.default or ()) == (getattr(RunRequest(), option.name) or ())


@pytest.mark.parametrize(
    ("command", "names", "others"),
    [
        ("run", NAMES, {"root", "workers"}),
        ("plan", set(PLAN_OPTIONS), {"root", "workers", "costs", "as_json"}),
    ],
)
def test_the_commands_take_each_option(command: str, names: set[str], others: set[str]) -> None:
    found: Any = typer.main.get_command(app)
    parameters = {one.name: one for one in found.commands[command].params}
    assert parameters.keys() == names | others
    for option in (one for one in RUN_OPTIONS if one.name in names):
        assert tuple(parameters[option.name].opts) == option.flags
        assert parameters[option.name].help.startswith(option.help)
