"""`infra/compose.yaml` as a test reads it: variables filled in, names of its services replaced."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from tests.repository import REPOSITORY

COMPOSE = REPOSITORY / "infra" / "compose.yaml"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


class MissingVariableError(Exception):
    """A variable without a default is not set."""


def service(name: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """One service of the file."""
    services: dict[str, Any] = yaml.safe_load(_filled(COMPOSE.read_text(), variables))["services"]
    found: dict[str, Any] = services[name]
    return found


def _filled(text: str, variables: Mapping[str, str]) -> str:
    """The text with `${NAME}`, `${NAME:-default}` and `${NAME:?message}` replaced."""

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if given := variables.get(name):
            return given
        if kind != "-":
            raise MissingVariableError(f"{name}: {rest}")
        return str(rest)

    return _VARIABLE.sub(value, text)
