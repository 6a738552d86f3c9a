"""Resolves a profile and overrides to one validated configuration.

    resolve("mini15", ["bpe.codes=30000", "sources.mirror=../mirror"], ("en", "sw"))

A value after `=` is YAML: `30000`, `true`, `null`, `[en, sw]`. The defaults, the profile and the
overrides are merged in this order, section by section: `bpe={codes: 30000}` means
`bpe.codes=30000` and keeps the other settings of `bpe`. A recipe (`pretrain.recipe=fast`) is a
named set of settings. It replaces earlier values; settings next to or after it replace its values.
"""

import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from xlm.config.languages.declared import split_declarations
from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.explain import explain
from xlm.config.reading.secrets import take_secrets
from xlm.config.reading.yaml_text import read_yaml
from xlm.display.suggest import did_you_mean
from xlm.errors import ConfigError

_SHOWN_CHARACTERS = 80
_PROFILES = files("xlm.config") / "profiles"
_RECIPES = files("xlm.config") / "recipes"


def profile_names() -> list[str]:
    """Names of the profiles in the package."""
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in _PROFILES.iterdir()
        if entry.name.endswith(".yaml")
    )


def resolve(
    profile: str, overrides: Sequence[str] = (), languages: Sequence[str] = ()
) -> PipelineConfig:
    """Resolve a profile with overrides, applied in order.

    `model_fields_set` of each section contains the names that the profile, a recipe or an override
    sets.

    Raises:
        ConfigError: unknown profile, setting or language, or an invalid value.
    """
    return _resolved(profile, _parsed(_profile_text(profile), profile), overrides, languages)


def resolve_text(text: str, name: str) -> PipelineConfig:
    """Resolve the text of a profile, named `name` in errors; see `resolve`."""
    return _resolved(name, _parsed(text, name), (), ())


def _resolved(
    profile: str, read: dict[str, Any], overrides: Sequence[str], languages: Sequence[str]
) -> PipelineConfig:
    values, explicit = _merged_with_recipe(_defaults(), read), _merged_with_recipe({}, read)
    for override in overrides:
        nested = _nested(values, override)
        values = _merged_with_recipe(values, nested, read)
        explicit = _merged_with_recipe(explicit, nested, read)
    values = take_secrets(values)
    if languages:
        values = _with_languages(values, languages)
    try:
        config = PipelineConfig.model_validate(values)
    except ValidationError as error:
        what, fix = explain(error.errors()[0], profile, PipelineConfig)
        raise ConfigError(what, fix=fix) from None
    _keep_explicit_fields(config, explicit)
    return config


def _with_languages(values: dict[str, Any], codes: Sequence[str]) -> dict[str, Any]:
    """The values for these languages only.

    Declarations stay, because sources may name any language of the profile. Labelled files of the
    other languages are left out.

    Raises:
        ConfigError: no labelled training file is left.
    """
    entries = values.get("languages")
    before, declared = split_declarations(entries if isinstance(entries, list) else [])
    known = values.get("declared_languages")
    kept = {
        **values,
        "languages": list(codes),
        "declared_languages": [*(known if isinstance(known, list | tuple) else ()), *declared],
    }
    task = values.get("classify")
    if isinstance(task, dict) and task.get("task") == "files":
        left_out = {code for code in before if isinstance(code, str)} - set(codes)
        listed = {
            split: task[split]
            for split in ("train", "dev", "test")
            if isinstance(task.get(split), dict)
        }
        if listed.get("train") and not set(listed["train"]) - left_out:
            raise ConfigError(
                f"{' '.join(codes)}: the labelled training rows are in other languages",
                fix=f"add one of {' '.join(map(str, listed['train']))}, or set classify=null",
            )
        files = {
            split: {code: path for code, path in paths.items() if code not in left_out}
            for split, paths in listed.items()
        }
        kept["classify"] = {**task, **files}
    return kept


def _keep_explicit_fields(config: BaseModel, explicit: object) -> None:
    """Remove defaults from `model_fields_set`, because warnings do not apply to them."""
    names = explicit if isinstance(explicit, dict) else {}
    config.model_fields_set.intersection_update(names)
    for name in type(config).model_fields:
        if isinstance(section := getattr(config, name), BaseModel):
            _keep_explicit_fields(section, names.get(name))


def _defaults() -> dict[str, Any]:
    """Return all defaults as plain values.

    The default of a section can differ from the defaults of its model: `finetune.optimizer` has
    another learning rate than `OptimizerConfig`. Without these values
    `finetune.optimizer.beta1=0.8` would also reset that learning rate.
    """
    return {
        name: default.model_dump() if isinstance(default, BaseModel) else default
        for name, field in PipelineConfig.model_fields.items()
        if not (field.is_required() or field.default_factory_takes_validated_data)
        for default in [field.get_default(call_default_factory=True, validated_data={})]
    }


def _profile_text(profile: str) -> str:
    if profile.endswith((".yaml", ".yml")):
        return _read_text(Path(profile))
    if profile in profile_names():
        return (_PROFILES / f"{profile}.yaml").read_text(encoding="utf-8")
    if "/" in profile or profile in (".", ".."):
        is_folder = os.path.isdir(profile)  # noqa: PTH112 - Path.is_dir raises for a name that is too long
        kind = "a folder" if is_folder else "a path that does not end in .yaml"
        raise ConfigError(
            f"profile {profile[:200]} is {kind}", fix="use the name of a profile or a .yaml file"
        )
    raise ConfigError(
        f"unknown profile {profile[:200]!r}",
        fix=f"{_or(did_you_mean(profile, profile_names()))} use the path of a .yaml file",
    )


def _parsed(text: str, profile: str) -> dict[str, Any]:
    values = read_yaml(text, f"profile {profile}")
    if not isinstance(values, dict):
        raise ConfigError(
            f"profile {profile} is not a mapping of settings",
            fix="write `languages: [en, sw]` and the settings that differ from the defaults",
        )
    return values


def _or(choice: str) -> str:
    return f"{choice} Or" if choice.endswith("?") else f"{choice}, or"


def _read_text(path: Path) -> str:
    try:
        if not path.is_file() and path.exists() and not path.is_dir():
            raise ConfigError(f"profile {path} is not a regular file", fix="check the path")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"profile {str(path)[:200]!r} does not exist", fix="check the path"
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        if "\0" in str(path):
            reason = "its name contains NUL"
        shown = ascii(str(path)[:200])[1:-1]
        raise ConfigError(
            f"profile {shown} cannot be read: {reason}", fix="check the file"
        ) from None


def _nested(values: dict[str, Any], override: str) -> dict[str, Any]:
    """Convert `a.b=value` to `{"a": {"b": value}}`; `values` shows which names are sections."""
    path, equals, text = override.partition("=")
    if not equals or not path.strip():
        lack = "no setting before `=`" if equals else "no `=`"
        raise ConfigError(
            f"override {override[:_SHOWN_CHARACTERS]!r} has {lack}",
            fix="write key.path=value, e.g. bpe.codes=30000",
        )
    if not all(path.strip().split(".")):
        raise ConfigError(
            f"override {override[:_SHOWN_CHARACTERS]!r}: unknown setting {path.strip()!r}: "
            "a name is missing before or after a dot",
            fix="write key.path=value, e.g. bpe.codes=30000",
        )
    shown = override if len(override) <= _SHOWN_CHARACTERS else f"{override[:_SHOWN_CHARACTERS]}..."
    value = read_yaml(text, f"override {shown!r}: the value")
    names = path.strip().split(".")
    section: Any = values
    for name in names[:-1]:
        section = (section or {}).get(name)
        if section is not None and not isinstance(section, dict):
            raise ConfigError(
                f"override {shown!r}: {name} is a value, not a section",
                fix=f"write {'.'.join(names[: names.index(name) + 1])}=...",
            )
    for name in reversed(names):
        value = {name: value}
    nested: dict[str, Any] = value
    return nested


def _merged_with_recipe(
    base: dict[str, Any], changes: dict[str, Any], profile: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Merge the recipe that `changes` names, then `changes`, into `base`.

    A profile that names the same recipe can change parts of it, e.g. one language for each of 64
    GPUs. These changes then belong to the recipe. The validation of the configuration refuses an
    unknown recipe.
    """
    recipe = _recipe_of(changes)
    path = _RECIPES / f"{recipe}.yaml"
    if isinstance(recipe, str) and path.is_file():
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        base = _merged(base, settings)
        if profile and _recipe_of(profile) == recipe:
            base = _merged(base, _common(profile, settings))
    values: dict[str, Any] = _merged(base, changes)
    return values


def _recipe_of(values: dict[str, Any]) -> object:
    pretrain = values.get("pretrain")
    return pretrain.get("recipe") if isinstance(pretrain, dict) else None


def _common(values: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """The values with names that `names` contains too, section by section."""
    return {
        name: _common(value, names[name])
        if isinstance(value, dict) and isinstance(names[name], dict)
        else value
        for name, value in values.items()
        if name in names
    }


def _merged(base: Any, changes: Any) -> Any:
    """Merge two mappings recursively; any other value replaces `base`."""
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    return base | {name: _merged(base.get(name), value) for name, value in changes.items()}
