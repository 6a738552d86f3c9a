"""What a Role allows, and what requests ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ask:
    """A request as the authorizer sees it."""

    verb: str
    group: str
    resource: str


def verb_of(method: str, *, has_name: bool, is_watch: bool) -> str:
    """The verb of a request."""
    if method == "GET":
        return "watch" if is_watch else "get" if has_name else "list"
    return {"POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}[method]


def allows(rules: Sequence[dict[str, Any]], ask: Ask) -> bool:
    """Whether a rule of a Role allows a request."""
    return any(
        ask.verb in rule["verbs"]
        and ask.group in rule["apiGroups"]
        and ask.resource in rule["resources"]
        for rule in rules
    )
