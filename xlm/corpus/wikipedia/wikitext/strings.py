"""Parser functions on strings: `{{lc:ABC}}`, `{{formatnum:1234}}`, `{{padleft:7|3|0}}`."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from urllib.parse import quote

_MAX_PADDING = 999
"""Larger paddings are removed before (see `markup.dates`)."""
_RAW = "R"


def _argument(values: Sequence[str], number: int, default: str = "") -> str:
    return values[number] if number < len(values) else default


def _number(values: Sequence[str], number: int, default: int | None = 0) -> int | None:
    try:
        return int(_argument(values, number))
    except ValueError:
        return default


def _upper_first(values: Sequence[str]) -> str:
    text = values[0].strip()
    return text[:1].upper() + text[1:]


def _lower_first(values: Sequence[str]) -> str:
    text = values[0].strip()
    return text[:1].lower() + text[1:]


def _format_number(values: Sequence[str]) -> str:
    text = values[0].strip()
    plain = text.replace(",", "")
    if _argument(values, 1).strip() == _RAW:
        return plain
    try:
        number = float(plain)
        return f"{int(number):,}" if number == int(number) else f"{number:,}"
    except OverflowError:
        return ""
    except ValueError:
        return "" if plain.lower().lstrip("+-") == "nan" else text


def _padding(values: Sequence[str], length: int) -> str:
    filling = _argument(values, 2, "0")
    missing = min(_number(values, 1) or 0, _MAX_PADDING) - length
    return (filling * missing)[:missing] if filling and missing > 0 else ""


def _pad_left(values: Sequence[str]) -> str:
    text = values[0].strip()
    return _padding(values, len(text)) + text if len(values) > 1 else ""


def _pad_right(values: Sequence[str]) -> str:
    text = values[0].strip()
    return text + _padding(values, len(text)) if len(values) > 1 else ""


def _encode(values: Sequence[str]) -> str:
    return quote(values[0].strip())


def _length(values: Sequence[str]) -> str:
    return str(len(values[0].strip()))


def _position(values: Sequence[str]) -> str:
    found = values[0].strip().find(_argument(values, 1), _number(values, 2) or 0)
    return str(found) if found >= 0 else ""


def _last_position(values: Sequence[str]) -> str:
    return str(values[0].strip().rfind(_argument(values, 1)))


def _count(values: Sequence[str]) -> str:
    part = _argument(values, 1)
    return str(values[0].strip().count(part)) if part else "0"


def _part(values: Sequence[str]) -> str:
    text = values[0].strip()
    start = _number(values, 1) or 0
    if start < 0:
        start = max(0, len(text) + start)
    length = _number(values, 2, None)
    if length is None:
        return text[start:]
    return text[start : start + length] if length >= 0 else text[start:length]


def _explode(values: Sequence[str]) -> str:
    delimiter = _argument(values, 1)
    if not delimiter:
        return ""
    limit = _number(values, 3, None)
    parts = values[0].strip().split(delimiter, -1 if limit is None else limit - 1)
    try:
        return parts[_number(values, 2) or 0].strip()
    except IndexError:
        return ""


STRINGS: Mapping[str, Callable[[Sequence[str]], str]] = MappingProxyType(
    {
        "lc": lambda values: values[0].strip().lower(),
        "uc": lambda values: values[0].strip().upper(),
        "lcfirst": _lower_first,
        "ucfirst": _upper_first,
        "formatnum": _format_number,
        "padleft": _pad_left,
        "padright": _pad_right,
        "urlencode": _encode,
        "#len": _length,
        "#pos": _position,
        "#rpos": _last_position,
        "#count": _count,
        "#sub": _part,
        "#explode": _explode,
    }
)
"""`#replace` is left out: repeated, it fills the memory."""
