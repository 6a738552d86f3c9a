"""Names of flow runs that show what is run."""

import re
from pathlib import Path
from typing import Any

from coolname.data import config as words_of_names
from prefect.runtime import flow_run

_MAX_CHARACTERS = 80


def run_name() -> str:
    """Keep a name that the user chose; replace a random one of Prefect (`smoky-camel`)."""
    given = str(flow_run.name or "")
    return descriptive_name(flow_run.parameters) if not given or _is_random(given) else given


def descriptive_name(parameters: dict[str, Any]) -> str:
    """Name, profile, selection and first override: `base: mini15 until shard, bpe.codes=9 +1`."""
    parts = [Path(str(parameters.get("profile") or "sample")).stem]
    if given := parameters.get("name"):
        parts.insert(0, f"{given}:")
    for word in ("from", "until", "only", "refresh"):
        if chosen := parameters.get("first" if word == "from" else word):
            parts.append(f"{word} {chosen if isinstance(chosen, str) else ' '.join(chosen)}")
    name = " ".join(parts)
    if overrides := parameters.get("overrides"):
        first, *rest = (
            [f"{key}={value}" for key, value in overrides.items()]
            if isinstance(overrides, dict)
            else overrides
        )
        name += f", {first}" + (f" +{len(rest)}" if rest else "")
    return name if len(name) <= _MAX_CHARACTERS else f"{name[: _MAX_CHARACTERS - 1]}…"


def _is_random(name: str) -> bool:
    words = name.split("-")
    return (
        len(words) == 2
        and all(re.fullmatch("[a-z]+", word) for word in words)
        and all(word in _random_words() for word in words)
    )


def _random_words() -> frozenset[str]:
    rules: Any = words_of_names
    lists = [one["words"] for one in rules.values() if one.get("type") == "words"]
    return frozenset(word for words in lists for word in words)
