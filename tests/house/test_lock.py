"""The lock has a version for everything that the set-up installs, on every supported Python."""

import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.repository import REPOSITORY

SUPPORTED = ("3.11.9", "3.12.9", "3.13.9", "3.14.0")
PINNED_ELSEWHERE = {"torch", "fastbpe"}
"""By infra/bootstrap.py."""


def _locked(python: str) -> dict[str, Requirement]:
    lines = (REPOSITORY / "infra" / "constraints.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    environment = {"python_full_version": python, "python_version": python[:4]}
    return {
        str(canonicalize_name(pin.name)): pin
        for pin in pins
        if pin.marker is None or pin.marker.evaluate(environment)
    }


@pytest.mark.parametrize("python", SUPPORTED)
def test_every_requirement_has_a_version_that_fits(python: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["test"], *extras["dev"], *extras["docs"]]
    locked = _locked(python)
    for requirement in map(Requirement, wanted):
        name = str(canonicalize_name(requirement.name))
        if name not in PINNED_ELSEWHERE:
            (pin,) = locked[name].specifier
            assert pin.operator == "=="
            assert requirement.specifier.contains(pin.version), f"{requirement}: run `make lock`"
