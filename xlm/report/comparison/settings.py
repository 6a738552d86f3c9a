"""The settings in which configurations differ.

for row in differing_settings([first.config, second.config]): print(row.name, row.values)
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_ABSENT = object()


class SettingRow(NamedTuple):
    """One setting with its value in each configuration; None also if a version has no such one."""

    name: str
    values: tuple[Any, ...]


def differing_settings(configs: Sequence[Mapping[str, Any]]) -> list[SettingRow]:
    """Return the settings that do not have the same value everywhere, in their order."""
    flat = [dict(flat_settings(config)) for config in configs]
    names = dict.fromkeys(name for one in flat for name in one)
    rows = []
    for name in names:
        values = [one.get(name, _ABSENT) for one in flat]
        # A section that is null in one configuration has no settings there.
        known = [None if value is _ABSENT else value for value in values]
        if any(value != known[0] for value in known):
            rows.append(SettingRow(name, tuple(known)))
    return rows


def shown_value(value: Any) -> str:
    """A value as one writes it after `--set NAME=`, without the empty fields of its items."""
    if isinstance(value, str):
        return value
    return json.dumps(_without_empty(value), ensure_ascii=False)


def _without_empty(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: one for name, one in value.items() if one not in (None, "", [], {})}
    return [_without_empty(one) for one in value] if isinstance(value, list) else value


def shown_values(values: Sequence[Any]) -> list[str]:
    """Values side by side; lists after the first as what they add and leave out: `+sw +yo -fr`."""
    first = values[0]
    return [
        shown_value(first),
        *(
            _list_changes(first, value)
            if isinstance(first, list) and isinstance(value, list)
            else shown_value(value)
            for value in values[1:]
        ),
    ]


def _list_changes(first: Sequence[Any], other: Sequence[Any]) -> str:
    if first == other:
        return shown_value(other)
    changes = [f"+{shown_value(item)}" for item in other if item not in first]
    changes += [f"-{shown_value(item)}" for item in first if item not in other]
    return " ".join(changes) or shown_value(other)  # another order


def flat_settings(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every setting by its dotted name, `bpe.codes`."""
    for name, value in section.items():
        if isinstance(value, Mapping) and value:
            yield from flat_settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
