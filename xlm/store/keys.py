"""Artifact keys: a hash of everything that an artifact's bytes depend on.

    key = H(stage, unit, code version, config slice, upstream content digests, tool versions)

Keys contain the *digests* of upstream artifacts, not their keys. If an input is rebuilt with the
same bytes, everything downstream stays cached.
"""

import hashlib
import json
import platform
import sys
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from xlm.errors import ToolError

KEY_LENGTH = 24
"""Hex digits of a key: 96 bits, short enough for a path."""


def canonical_json(value: object) -> str:
    """Serialize to JSON with sorted keys and no spaces: equal values give equal text everywhere."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def artifact_key(ingredients: Mapping[str, Any]) -> str:
    """Hash the ingredients of `ingredients_of` to a key."""
    return hashlib.sha256(canonical_json(ingredients).encode()).hexdigest()[:KEY_LENGTH]


def ingredients_of(
    *,
    stage: str,
    unit: str,
    code_version: int,
    config: Mapping[str, Any],
    upstream_digests: Mapping[str, str],
    tools: Mapping[str, str],
) -> dict[str, Any]:
    """Collect the inputs of a key, under the names that `xlm plan` reports."""
    return {
        "stage": stage,
        "unit": unit,
        "code_version": code_version,
        "config": dict(config),
        "upstream": dict(upstream_digests),
        "tools": dict(tools),
    }


@cache
def tool_version(name: str) -> str:
    """Return the version of a distribution, or of `python`, `unicode` or `platform`.

    Examples: `3.11`, `14.0.0`, `linux-x86_64`.

    Raises:
        ToolError: the distribution is not installed.
    """
    if name == "python":
        return ".".join(platform.python_version_tuple()[:2])
    if name == "unicode":
        return unicodedata.unidata_version
    if name == "platform":
        return f"{sys.platform}-{platform.machine()}"
    try:
        return version(name)
    except PackageNotFoundError:
        raise ToolError(f"{name} is not installed", fix="run `make setup`") from None
