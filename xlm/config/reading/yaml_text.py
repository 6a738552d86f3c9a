"""Reads YAML of users: bounded in size, strict about numbers, every error one line.

    read_yaml("{codes: 30000}", "override")  # {"codes": 30000}

Dates stay text. Numbers are decimal or hexadecimal: YAML 1.1 reads `017` as 15 and `1:30` as 90,
which is not what users mean. Duplicate keys are refused. Nesting, aliases and numbers are bounded
before values are built, so that no file can make a command hang.
"""

from typing import Any, NoReturn

import yaml

from xlm.errors import ConfigError

_MAX_CHARACTERS = 1 << 20
_MAX_DEPTH = 50
_MAX_NODES = 100_000
_MAX_INTEGER = 1 << 63
_MAX_DIGITS = 25
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_SHOWN_CHARACTERS = 200
_SMALLER = "make it smaller"
# Errors of PyYAML for odd values: an empty `!!int`, a month 13, a wrong tag.
_ERRORS = (
    yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError,
    RecursionError,
)  # fmt: skip


class _RefusedError(yaml.YAMLError):
    """Valid YAML that is not allowed here, with what to write instead."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


class _Loader(yaml.SafeLoader):
    """The safe loader with bounded numbers, dates as text and no duplicate keys."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML declares it
        first: [(tag, regexp) for tag, regexp in resolvers if tag != _TIMESTAMP]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Read an integer of 64 bits."""
        text = str(self.construct_scalar(node))
        _require_plain_number(text)
        value = 0 if len(text) > _MAX_DIGITS else super().construct_yaml_int(node)
        if len(text) > _MAX_DIGITS or abs(value) >= _MAX_INTEGER:
            raise _RefusedError(f"the number {text[:20]}... is too large", "write a smaller one")
        return int(value)

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        """Read a number with a decimal point or an exponent."""
        _require_plain_number(str(self.construct_scalar(node)))
        return float(super().construct_yaml_float(node))

    def construct_undefined(self, node: yaml.Node) -> NoReturn:
        """Refuse a tag such as `!!python/object`."""
        tag = str(node.tag).replace("tag:yaml.org,2002:", "!!")
        raise _RefusedError(
            f"line {node.start_mark.line + 1}: the tag {tag[:60]} is not allowed", "remove it"
        )

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Read a mapping without duplicate keys."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                line = key.start_mark.line + 1
                raise _RefusedError(
                    f"line {line}: the key {key.value[:40]!r} appears twice", "keep one of them"
                )
            seen.add(str(key.value))
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return found


_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)
_Loader.add_constructor(None, _Loader.construct_undefined)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def read_yaml(text: str, where: str) -> Any:
    """Read the values of a YAML text.

    Args:
        where: name of the text, for errors.

    Raises:
        ConfigError: it is not valid YAML, or it is too large or too deeply nested.
    """
    try:
        if len(text) > _MAX_CHARACTERS:
            raise _RefusedError(f"more than {_MAX_CHARACTERS:,} characters", _SMALLER)
        _require_bounded(text)
        return yaml.load(text, Loader=_Loader)
    except _ERRORS as error:
        reason = " ".join(_reason(error).split())[:_SHOWN_CHARACTERS]
        raise ConfigError(
            f"{where} is not valid YAML: {reason}",
            fix=getattr(error, "fix", "check the quotes, brackets and indentation"),
        ) from None


def _reason(error: Exception) -> str:
    """Line, column and problem, without PyYAML's excerpt of the text."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem is None:
        return str(error).replace('in "<unicode string>", ', "at ")
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return place + error.problem.replace("'<stream end>'", "the end of the text")


def _require_plain_number(text: str) -> None:
    digits = text.lstrip("+-").replace("_", "")
    if ":" in digits:
        raise _RefusedError(
            f"{text[:20]} is a number in base 60", "quote it, or write it in decimal"
        )
    if digits.isdecimal() and digits.startswith("0") and len(digits) > 1:
        raise _RefusedError(
            f"{text[:20]} is a number in base 8", "remove the leading zero, or quote it"
        )


def _require_bounded(text: str) -> None:
    """Refuse deep nesting and aliases of aliases, which would grow exponentially."""
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    nodes = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise _RefusedError(
                    f"the alias *{str(event.anchor)[:20]} has no anchor before it",
                    f"write &{str(event.anchor)[:20]} before its value",
                )
            nodes += sizes[event.anchor]
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, nodes))
            nodes += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, start = open_nodes.pop()
            if anchor is not None:
                sizes[anchor] = nodes - start
        elif isinstance(event, yaml.ScalarEvent):
            nodes += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        if len(open_nodes) > _MAX_DEPTH:
            raise _RefusedError(f"nested deeper than {_MAX_DEPTH} levels", _SMALLER)
        if nodes > _MAX_NODES:
            raise _RefusedError(f"more than {_MAX_NODES:,} values", _SMALLER)
