"""Writes YAML for readers: short mappings on one line, comments wrapped."""

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

import yaml

_WIDTH = 98


def inline(value: Any) -> str:
    """A value on one line: `{kind: opus, pairs: [en-sw]}`."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, width=float("inf"), allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def comment(text: str, indent: int = 0) -> Iterator[str]:
    """Comment lines."""
    space = " " * indent
    for line in wrap(text, _WIDTH - indent - 2, break_long_words=False, break_on_hyphens=False):
        yield f"{space}# {line}"


def section(name: str, values: Mapping[str, Any]) -> Iterator[str]:
    """A section with one setting per line."""
    yield f"{name}:"
    for key, value in values.items():
        yield f"  {key}: {inline(value)}"


def joined(words: list[str]) -> str:
    """A list for a sentence: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
