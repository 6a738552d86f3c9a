"""Parser functions that choose one of their arguments: `{{#if:x|yes|no}}`, `{{#switch:...}}`.

Only the chosen argument is expanded.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from xlm.corpus.wikipedia.wikitext.expressions import evaluate, is_error, shown

Expand = Callable[[str], str]
Condition = Callable[[Sequence[str], Expand], str]
_DEFAULT = "#default"


def _chosen(values: Sequence[str], number: int, expand: Expand) -> str:
    return expand(values[number].strip()) if number < len(values) else ""


def _if(values: Sequence[str], expand: Expand) -> str:
    return _chosen(values, 1 if expand(values[0]).strip() else 2, expand)


def _if_equal(values: Sequence[str], expand: Expand) -> str:
    """The first value was expanded with the name; the second is compared as it stands."""
    if len(values) < 3:
        return ""
    if not values[1].strip():
        return ""
    return _chosen(values, 2 if values[0].strip() == values[1].strip() else 3, expand)


def _if_error(values: Sequence[str], expand: Expand) -> str:
    value = values[0]
    if is_error(value):
        return _chosen(values, 1, expand)
    return _chosen(values, 2, expand) if len(values) > 2 else value


def _if_expression(values: Sequence[str], expand: Expand) -> str:
    value = evaluate(values[0])
    if value is None:
        return ""
    return _chosen(values, 1 if value else 2, expand)


def _expression(values: Sequence[str], expand: Expand) -> str:
    return shown(evaluate(values[0]))


def _switch(values: Sequence[str], expand: Expand) -> str:
    wanted = values[0].strip()
    matched = False
    default = ""
    for case in values[1:]:
        name, equals, value = case.partition("=")
        name = name.strip()
        matched = matched or name == wanted
        if not equals:
            continue
        if matched:
            return expand(value.strip())
        if name == _DEFAULT:
            default = value
    return expand(default.strip())


CONDITIONS: Mapping[str, Condition] = MappingProxyType(
    {
        "#if": _if,
        "#ifeq": _if_equal,
        "#iferror": _if_error,
        "#ifexpr": _if_expression,
        "#expr": _expression,
        "#switch": _switch,
    }
)
