"""Evaluates expressions: `{{#expr: 2 * (3 + 4)}}`.

The words of MediaWiki become operators of Python, whose parser reads the expression; only numbers
and the operators below are evaluated.
"""

import ast
import operator
import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

Number = int | float
_MAX_CHARACTERS = 250
"""It bounds the depth, and the size of a product."""
_MAX_DIGITS = 100
_WORD = re.compile(r"\b(?:mod|div|round)\b|(?<![=!<>])=(?!=)")
_WORDS = MappingProxyType({"mod": "%", "div": "/", "round": "|", "=": "=="})
_ERROR = '<strong class="error"></strong>'
"""It displays nothing, but `{{#iferror:}}` recognizes it."""


def _round(number: Number, digits: Number) -> Number:
    if abs(digits) > _MAX_DIGITS:
        raise ValueError(digits)
    return round(number, int(digits))


_BINARY: MappingProxyType[type, Callable[[Any, Any], Number]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.Mod: operator.mod,
        ast.BitOr: _round,
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
    }
)
_UNARY: MappingProxyType[type, Callable[[Any], Number]] = MappingProxyType(
    {ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_}
)


def evaluate(expression: str) -> Number | None:
    """The value of an expression; None if it is not one."""
    expression = expression.strip()
    if len(expression) > _MAX_CHARACTERS or "\n" in expression:
        return None
    try:
        tree = ast.parse(_WORD.sub(lambda word: _WORDS[word[0]], expression), mode="eval")
        value = _value(tree.body)
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError, MemoryError):
        return None
    return int(value) if isinstance(value, bool) else value


def shown(value: Number | None) -> str:
    """A value as text; the mark of an error without a value."""
    return _ERROR if value is None else str(value)


def is_error(text: str) -> bool:
    """Whether a text contains the mark of an error."""
    return _ERROR in text


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_value(left), _value(right))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _BINARY:
            return _BINARY[type(op)](_value(left), _value(right))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_value(operand))
        case ast.BoolOp(op=op, values=values):
            return _chosen(values, stop=isinstance(op, ast.Or))
    raise ValueError(node)


def _chosen(nodes: list[ast.expr], *, stop: bool) -> Number:
    """The first value that decides `and` or `or`, else the last."""
    for node in nodes:
        value = _value(node)
        if bool(value) == stop:
            break
    return value
