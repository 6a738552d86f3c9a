"""The base of all configuration models: frozen, without unknown fields, split into two kinds.

A plain field is part of artifact keys. A field that cannot change the bytes that a stage writes
(a number of workers, a path, a number of retries) is declared with `operational(...)`: it is shown
and stored, but is not part of any key.

    class DownloadConfig(Config):
        revision: str = Field("20261101", description="Dump date, YYYYMMDD.")
        retries: int = operational(5, description="Attempts per URL.")

A plain field that is added later is declared with `added(...)`: it is part of keys only if its
value is not the default, so that existing artifacts keep their keys.
"""

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

_OPERATIONAL = "operational"
_ADDED = "added"


class Config(BaseModel):
    """A frozen model that refuses unknown keys."""

    # Dates and versions look like numbers to YAML: a number for a text field is taken as text.
    # JSON has no infinity, and configurations are passed to jobs as JSON.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        coerce_numbers_to_str=True,
        allow_inf_nan=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_booleans_as_numbers(cls, values: Any) -> Any:
        # pydantic takes `codes: true` as 1. Text instead is refused under the field's name.
        if not isinstance(values, dict):
            return values
        numbers = {name for name, field in cls.model_fields.items() if _is_number(field.annotation)}
        return {
            name: _without_booleans(value) if name in numbers else value
            for name, value in values.items()
        }

    def key_fields(self) -> dict[str, Any]:
        """The values that are part of artifact keys, ready for JSON: all plain fields.

        Without those of `added(...)` that have their default.
        """
        return {
            name: _key_value(value)
            for name, field in type(self).model_fields.items()
            for value in [getattr(self, name)]
            if not _has(field.json_schema_extra, _OPERATIONAL)
            and not (_has(field.json_schema_extra, _ADDED) and value == field.default)
        }


def operational(default: Any, *, description: str, **constraints: Any) -> Any:
    """Declare a field that changes how a stage runs, but not what it writes."""
    return Field(
        default,
        description=description,
        json_schema_extra={_OPERATIONAL: True},
        **constraints,
    )


def as_list(value: Any) -> Any:
    """A list of one for a single text, so that a setting takes one or several."""
    return [value] if isinstance(value, str) else value


def added(default: Any, *, description: str, **constraints: Any) -> Any:
    """Declare a plain field that older keys do not contain.

    Its default must mean what the stage did before.
    """
    return Field(default, description=description, json_schema_extra={_ADDED: True}, **constraints)


def _is_number(annotation: Any) -> bool:
    """Whether a field is a number or a list of numbers."""
    kinds = {annotation, *get_args(annotation)}
    return bool(kinds & {int, float}) and bool not in kinds


def _without_booleans(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_booleans(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else value


def _has(extra: object, mark: str) -> bool:
    return isinstance(extra, dict) and bool(extra.get(mark))


def _key_value(value: Any) -> Any:
    if isinstance(value, Config):
        return value.key_fields()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple | list):
        return [_key_value(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _key_value(item) for name, item in value.items()}
    return value
