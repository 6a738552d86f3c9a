"""English names of languages, for tables, cards and plots.

name_of("sw")                          # "Swahili"
name_with_code("xx", {"xx": "Example"})  # "Example (xx)"
"""

from collections.abc import Mapping
from typing import Any

from xlm.config.languages.pairs import KNOWN_LANGUAGES

Names = Mapping[str, str]
"""Code to name of languages that a profile declares."""


def name_of(code: str, declared: Names | None = None) -> str:
    """The English name of a language; its code, if it has none."""
    known = KNOWN_LANGUAGES.get(code)
    return (declared or {}).get(code) or (known.name if known else code)


def name_with_code(code: str, declared: Names | None = None) -> str:
    """`Swahili (sw)`, or the code alone for a language without a name."""
    name = name_of(code, declared)
    return code if name == code else f"{name} ({code})"


def declared_names(config: Mapping[str, Any]) -> dict[str, str]:
    """The names of the languages that a configuration in a record or manifest declares."""
    declared = config.get("declared_languages") or ()
    return {one["code"]: one["name"] for one in declared if one.get("name")}
