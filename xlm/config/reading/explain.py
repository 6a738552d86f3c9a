"""Turns a validation error of pydantic into one line: setting, given value, expected value.

what, fix = explain(error.errors()[0], "mini15", PipelineConfig)
# what: profile mini15: bpe.codes must be a whole number, not 'many'
# fix:  Number of merges to learn (paper section 5.2)
"""

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from xlm.display.suggest import did_you_mean

_SHOWN_CHARACTERS = 60
_TAGS = ("opus", "plain", "text", "tsv", "jsonl", "parquet", "moses_zip")
"""Kinds of corpora; pydantic adds them to the location of an error, after an index."""
_TASKS = ("xnli", "pawsx", "files")
"""Kinds of classification tasks; pydantic adds them after `classify`."""

_DECLARED = "declared_languages"

PATTERNS = {
    r"^(\d{8}|latest)$": "a date as YYYYMMDD, e.g. 20261101, or latest",
    r"^[A-Za-z0-9._-]+$": "letters, digits and . _ - only",
    r"^[A-Za-z0-9][A-Za-z0-9._-]*$": "letters, digits and . _ - only, a letter or digit first",
    r"^[a-z0-9_-]+$": "lower-case letters, digits and _ - only",
    r"^[a-z0-9_-]*$": "lower-case letters, digits and _ - only",
    r"^[A-Za-z0-9_-]*$": "letters, digits, _ and - only",
    r"^[a-z0-9_]*$": "lower-case letters, digits and _ only",
    r"^[a-z]{2,3}(_[a-z0-9]+)*$": "a language code such as yo or zh_min_nan, without a hyphen",
    r"^([A-Z][a-z]{3})?$": "a script as in ISO 15924, e.g. Latn or Arab",
    r"^(original|[a-z]{2,3}(-[a-z0-9]{2,8}){0,2})$": "`original` or a code such as zh-hans",
}
"""The patterns of the settings in words."""

RENAMED = {
    "pretrain.guard.evidence": "pretrain.guard.diagnostics",
    "pretrain.archive_updates": "pretrain.revision_updates",
    **{
        f"sources.{archive}.address": f"sources.{archive}.url"
        for archive in ("xnli", "multinli", "official_codes", "official_vocabulary")
    },
}
"""Old to new names of settings; the old ones are refused."""

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list, e.g. [a, b]",
    "list": "a list, e.g. [a, b]",
    "dict": "a mapping of names to values",
    "finite": "a finite number",
}
_YAML_NAMES = {None: "empty (null)", True: "true", False: "false"}
_LIMITS = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
}


def explain(error: ErrorDetails, profile: str, model: type[BaseModel]) -> tuple[str, str]:
    """Return what is wrong with a setting, and how to fix it.

    Args:
        profile: name of the profile, for the message.
        model: model that refused the values.
    """
    path = _without_tags(error["loc"])
    name = _shown(_written(path))
    tags = [part for part in error["loc"] if part in (*_TAGS, *_TASKS)]
    parent, field = _field_at(path, model, tags[-1] if tags else None)
    if error["type"] in ("invalid_key", "extra_forbidden", "missing"):
        what, fix = _wrong_name(error["type"], name, path, parent, field)
    else:
        what, fix = _wrong_value(error, name, parent, field)
    return f"profile {_shown(profile)}: {what}", fix


def _without_tags(location: Sequence[int | str]) -> list[int | str]:
    """The names and indices of a setting, without what pydantic adds."""
    return [
        part
        for part, before in zip(location, [None, *location], strict=False)
        if part != "[key]"
        and not (part in _TAGS and isinstance(before, int) and location[0] != _DECLARED)
        and not (part in _TASKS and before == "classify")
    ]


def _written(path: Sequence[int | str]) -> str:
    """The name of a setting as a profile writes it; declarations are mappings in `languages`."""
    if path[0] != _DECLARED or len(path) == 1:
        return ".".join(map(str, path))
    return ": ".join([f"languages, declaration {int(path[1]) + 1}", *map(str, path[2:])])


def _wrong_name(
    kind: str,
    name: str,
    path: Sequence[int | str],
    parent: type[BaseModel],
    field: FieldInfo | None,
) -> tuple[str, str]:
    """Explain a name that is not text, unknown, renamed or missing."""
    if kind == "invalid_key":
        return f"the name {name!r} is not text", "quote it, or use the name of a setting"
    if kind == "missing":
        example = f"{name}=..." if len(path) == 1 else name
        description = _description(field)
        return f"{name} is missing", f"set {example}" + (f": {description}" if description else "")
    if name in RENAMED:
        return f"{name} is now {RENAMED[name]}", "rename it"
    known = list(parent.model_fields)
    return f"unknown setting {name!r}", did_you_mean(_shown(str(path[-1])), known)


def _wrong_value(
    error: ErrorDetails, name: str, parent: type[BaseModel], field: FieldInfo | None
) -> tuple[str, str]:
    """Explain a value that has the wrong type, is out of range or breaks a rule."""
    kind, expected = error["type"], _expected(error, field)
    if expected is None:
        message = error["msg"].removeprefix("Value error, ")
        is_section = field is not None and bool(_models(field.annotation))
        fix = "change one of them" if is_section else _description(field)
        # Some messages say what to do.
        return f"{name}: {message}" if name else message, "" if ";" in message else fix
    if name == "languages":
        expected = expected.replace("[a, b]", "[en, sw]")
    what = f"{name} must be {expected}, not {_given(error['input'])}"
    if isinstance(error["input"], bool) and kind == "string_type":
        return what, "YAML reads no, yes, on and off as false and true; quote it, e.g. 'no'"
    if kind in ("model_type", "model_attributes_type"):
        fields = _section(field, parent).model_fields
        names = sorted(fields, key=lambda name: not fields[name].is_required())
        return what, f"write its settings below it: {', '.join(names[:4])}, ..."
    return what, _description(field)


def _expected(error: ErrorDetails, field: FieldInfo | None) -> str | None:
    """Describe the values that are allowed; None if the error has a message of a validator."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return None
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(context["pattern"], f"text like {context['pattern']}")
    if kind == "literal_error":
        return str(context["expected"])
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tag = context["discriminator"].strip("'")
        return f"a mapping with `{tag}`: {_alternatives(field, tag)}"
    if kind == "too_short":
        kind = "mapping" if isinstance(error["input"], dict) else "list"
        return f"a {kind} of {context['min_length']} or more"
    if kind in _LIMITS:
        return _LIMITS[kind].format(**context)
    if kind in ("model_type", "model_attributes_type"):
        return "a section"
    return _KINDS.get(kind.partition("_")[0])


def _kinds_of(model: type[BaseModel]) -> tuple[Any, ...]:
    """The values of the field that tells a model from the others of its section."""
    fields = [model.model_fields[name] for name in ("kind", "task") if name in model.model_fields]
    return tuple(value for field in fields for value in get_args(field.annotation))


def _alternatives(field: FieldInfo | None, tag: str) -> str:
    """The values that tell the models of a field apart."""
    models = _models(field.annotation) if field else []
    values = [value for model in models for value in get_args(model.model_fields[tag].annotation)]
    return f"{', '.join(values[:-1])} or {values[-1]}" if len(values) > 1 else "".join(values)


def _field_at(
    path: Sequence[int | str], model: type[BaseModel], kind: int | str | None
) -> tuple[type[BaseModel], FieldInfo | None]:
    """The model that contains the last name of `path`, and its field if it exists.

    Args:
        kind: kind of the corpus or task that the path leads to, if it does.
    """
    parent, field = model, None
    for name in path:
        if isinstance(name, int):
            continue
        if field is not None:
            parent = _section(field, parent, str(name), kind)
        field = parent.model_fields.get(str(name))
        if field is None:
            break
    return parent, field


def _section(
    field: FieldInfo | None,
    otherwise: type[BaseModel],
    name: str = "",
    kind: int | str | None = None,
) -> type[BaseModel]:
    """The model of a field; of several, the one of this kind, or one with a field `name`."""
    models = _models(field.annotation) if field else []
    of_kind = [one for one in models if kind in _kinds_of(one)]
    if of_kind:
        return of_kind[0]
    matching = [model for model in models if name in model.model_fields]
    return (matching or models or [otherwise])[0]


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


def _given(value: object) -> str:
    """Write a value as YAML does if that differs from Python."""
    if value is None or isinstance(value, bool):
        return _YAML_NAMES[value]
    return _shown(repr(value))


def _description(field: FieldInfo | None) -> str:
    return (field.description or "").rstrip(".") if field else ""


def _shown(text: str) -> str:
    """Return the text on one line, truncated for the terminal."""
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
