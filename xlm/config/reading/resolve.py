"""From a profile's name and overrides to one checked configuration.

    resolve("mini15", ["bpe.codes=30000", "sources.mirror=../mirror"], ("en", "sw"))

A value after `=` is YAML: `30000`, `true`, `null`, `[en, sw]`. Overrides are laid over the profile,
which is laid over the defaults, section by section: what is not named stays as it was, and
`bpe={codes: 30000}` means `bpe.codes=30000`. A recipe (`pretrain.recipe=fast`) is a set of settings
that is laid where it is named: over what came before, under what comes with it or after it.
"""

import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

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
    """The profiles that come with the package."""
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in _PROFILES.iterdir()
        if entry.name.endswith(".yaml")
    )


def resolve(
    profile: str, overrides: Sequence[str] = (), languages: Sequence[str] = ()
) -> PipelineConfig:
    """The configuration of a profile with overrides applied in order.

    `model_fields_set` of each section has the names that the profile, a recipe or an override sets.

    Raises:
        ConfigError: unknown profile, key or language, or a value that does not fit its field.
    """
    own = _read_profile(profile)
    values, named = _with_recipe(_defaults(), own), _with_recipe({}, own)
    for override in overrides:
        nested = _nested(values, override)
        values, named = _with_recipe(values, nested, own), _with_recipe(named, nested, own)
    values = take_secrets(values)
    if languages:
        values["languages"] = list(languages)
    try:
        config = PipelineConfig.model_validate(values)
    except ValidationError as error:
        what, fix = explain(error.errors()[0], profile, PipelineConfig)
        raise ConfigError(what, fix=fix) from None
    _mark_defaults(config, named)
    return config


def _mark_defaults(config: BaseModel, named: object) -> None:
    """Leave only what somebody named in `model_fields_set`: warnings spare defaults."""
    names = named if isinstance(named, dict) else {}
    config.model_fields_set.intersection_update(names)
    for name in type(config).model_fields:
        if isinstance(section := getattr(config, name), BaseModel):
            _mark_defaults(section, names.get(name))


def _defaults() -> dict[str, Any]:
    """Every default as plain values; a section's own may differ from those of its model.

    Fine-tuning's optimizer, say, has another learning rate than `OptimizerConfig`: without them
    `finetune.optimizer.beta1=0.8` would change both.
    """
    return {
        name: default.model_dump() if isinstance(default, BaseModel) else default
        for name, field in PipelineConfig.model_fields.items()
        if not field.is_required()
        for default in [field.get_default(call_default_factory=True, validated_data={})]
    }


def _read_profile(profile: str) -> dict[str, Any]:
    if profile.endswith((".yaml", ".yml")):
        text = _read_text(Path(profile))
    elif profile in profile_names():
        text = (_PROFILES / f"{profile}.yaml").read_text(encoding="utf-8")
    elif "/" in profile or profile in (".", ".."):
        is_folder = os.path.isdir(profile)  # noqa: PTH112 - a name that is too long is no folder
        kind = "a folder" if is_folder else "a path that does not end in .yaml"
        raise ConfigError(
            f"profile {profile[:200]}: {kind}", fix="give a profile's name or a YAML file"
        )
    else:
        raise ConfigError(
            f"unknown profile {profile[:200]!r}",
            fix=f"{_or(did_you_mean(profile, profile_names()))} give the path of a .yaml file",
        )
    values = read_yaml(text, f"profile {profile}")
    if not isinstance(values, dict):
        raise ConfigError(
            f"profile {profile} is not a mapping of settings",
            fix="write `languages: [en, sw]` and what else differs from the defaults",
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
            f"profile {str(path)[:200]!r}: no such file", fix="check the path"
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        if "\0" in str(path):
            reason = "no file has NUL in its name"
        shown = ascii(str(path)[:200])[1:-1]
        raise ConfigError(
            f"profile {shown} cannot be read: {reason}", fix="check the file"
        ) from None


def _nested(values: dict[str, Any], override: str) -> dict[str, Any]:
    """An override as sections within sections."""
    path, equals, text = override.partition("=")
    if not equals or not path.strip():
        lack = "nothing in front of `=`" if equals else "no `=`"
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
    below: Any = values
    for name in names[:-1]:
        below = (below or {}).get(name)
        if below is not None and not isinstance(below, dict):
            raise ConfigError(
                f"override {shown!r}: {name} is a value, not a section",
                fix=f"write {'.'.join(names[: names.index(name) + 1])}=...",
            )
    for name in reversed(names):
        value = {name: value}
    nested: dict[str, Any] = value
    return nested


def _with_recipe(
    below: dict[str, Any], above: dict[str, Any], profile: dict[str, Any] | None = None
) -> dict[str, Any]:
    """`above` over `below`, with the recipe that it names between them.

    A profile that names the same recipe may set parts of it otherwise (one language for each of 64
    GPUs, say): these are then parts of the recipe. An unknown name is left to the check of all
    settings.
    """
    recipe = _recipe_of(above)
    path = _RECIPES / f"{recipe}.yaml"
    if isinstance(recipe, str) and path.is_file():
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        below = _laid_over(below, settings)
        if profile and _recipe_of(profile) == recipe:
            below = _laid_over(below, _common(profile, settings))
    together: dict[str, Any] = _laid_over(below, above)
    return together


def _recipe_of(values: dict[str, Any]) -> object:
    pretrain = values.get("pretrain")
    return pretrain.get("recipe") if isinstance(pretrain, dict) else None


def _common(values: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """The values whose names, section by section, are among `names`."""
    return {
        name: _common(value, names[name])
        if isinstance(value, dict) and isinstance(names[name], dict)
        else value
        for name, value in values.items()
        if name in names
    }


def _laid_over(below: Any, above: Any) -> Any:
    """`above`, or where both are mappings `below` with the values of `above`."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return below | {name: _laid_over(below.get(name), value) for name, value in above.items()}
