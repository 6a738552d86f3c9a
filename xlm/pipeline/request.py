"""The request of a user: a profile, changed settings, and which part of the DAG to build."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import Field, field_validator

from xlm.config.data.cleaning import PACKAGED_MODEL
from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.resolve import resolve
from xlm.config.reading.secrets import refuse_secrets
from xlm.config.reading.yaml_text import read_yaml
from xlm.engine.config import as_list
from xlm.engine.request import BuildRequest
from xlm.errors import ConfigError
from xlm.pipeline.options import RUN_OPTIONS, Launcher

RUN_NAME = r"[A-Za-z][A-Za-z0-9._-]{0,63}"
"""A letter first, so that a name is neither the number nor the time of a run."""
_PATHS = ("sources.mirror", "sources.mirrors", "sources.lock", "cleaning.language_model")
"""Settings with paths of the machine of the user."""
_LOCAL = re.compile(r"\s*([/~\\]|\.\.?[/\\]|[A-Za-z]:[/\\](?!/)|file:)")
"""Begins a path, wherever it stands: absolute, in the home folder or above this folder."""


class RunRequest(BuildRequest):
    """A run as a user requests it, on the command line or from a deployment (`options.py`)."""

    profile: str = Field("sample", description="Name of a profile, or path of a YAML file.")
    overrides: tuple[str, ...] = Field((), description="Settings as `key.path=value`.")
    languages: tuple[str, ...] = Field((), description="Languages to keep; empty: the profile's.")
    launcher: Launcher | None = Field(
        None, description="Sets `launcher.kind`; null: that of the profile and the overrides."
    )
    name: str | None = Field(None, description="Name of the run; the newest run of a name counts.")

    force: bool = Field(False, description="Start even if the disk is estimated to be too small.")

    @field_validator("overrides")
    @classmethod
    def _without_secrets(cls, overrides: tuple[str, ...]) -> tuple[str, ...]:
        # Prefect, run records and command lines store requests unchanged.
        refuse_secrets(overrides)
        return overrides

    @field_validator("name")
    @classmethod
    def _with_valid_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(RUN_NAME, name):
            raise ConfigError(
                f"invalid run name {name[:80]!r}",
                fix="use up to 64 letters, digits and . _ -, with a letter first",
            )
        return name

    def resolve(self) -> PipelineConfig:
        """Resolve the configuration of this request."""
        kind = (f"launcher.kind={self.launcher}",) if self.launcher else ()
        config = resolve(self.profile, (*self.overrides, *kind), self.languages)
        sources = config.sources
        changes: dict[str, str | tuple[str, ...]] = {}
        # Paths are relative to the folder of the user, not to that of a worker.
        if sources.mirror is not None:
            changes["mirror"] = _absolute(sources.mirror)
        if sources.mirrors:
            changes["mirrors"] = tuple(map(_absolute, sources.mirrors))
        if sources.lock is not None:
            changes["lock"] = _absolute_path(sources.lock)
        elif "lock" not in sources.model_fields_set and self.lock_path.is_file():
            changes["lock"] = str(self.lock_path.absolute())
        cleaning = config.cleaning
        if cleaning.language_model not in (None, PACKAGED_MODEL):
            model = _absolute_path(cleaning.language_model)
            cleaning = cleaning.model_copy(update={"language_model": model})
        return config.model_copy(
            update={"sources": sources.model_copy(update=changes), "cleaning": cleaning}
        )

    @property
    def lock_path(self) -> Path:
        """The lock that belongs to the profile: next to its file, or else in this folder."""
        profile = Path(self.profile)
        return profile.with_name(profile.name.removesuffix(profile.suffix) + ".lock.yaml")

    def refreshing(self, *names: str) -> "RunRequest":
        """Return the same request with `refresh` set to these stages or nodes."""
        return self.model_copy(update={"refresh": names})

    def absolute(self) -> "RunRequest":
        """Return the same request with absolute paths, valid in every folder."""
        profile = self.profile
        if profile.endswith((".yaml", ".yml")):
            profile = str(Path(profile).absolute())
        overrides = tuple(map(_with_absolute_path, self.overrides))
        return self.model_copy(update={"profile": profile, "overrides": overrides})

    def command(self, root: Path) -> str:
        """Return the `xlm run` command of this request and store, quoted for a shell."""
        return shlex.join([*self.absolute()._words(), "--root", str(root)])

    def published_command(self) -> str:
        """Return the command as others may read it: it names no folder of this machine.

        A profile is named without its folder. Settings with local paths, such as a mirror, are left
        out, and so is the store.
        """
        return shlex.join(
            self.model_copy(
                update={
                    "profile": Path(self.profile).name,
                    "overrides": tuple(one for one in self.overrides if not _names_a_path(one)),
                }
            )._words()
        )

    def _words(self) -> list[str]:
        words = ["xlm", "run"]
        for option in RUN_OPTIONS:
            value = getattr(self, option.name)
            if option.kind == "languages":
                value = ",".join(value)
            # Always name the profile: the command must not depend on the default.
            if option.kind == "flag":
                words += [option.flags[0]] if value else []
            elif value and (value != option.default or option.kind == "profile"):
                for one in value if option.repeated else [value]:
                    words += [option.flags[0], one]
        return words


def _with_absolute_path(override: str) -> str:
    key, _, text = override.partition("=")
    name = key.strip()
    if name not in _PATHS or not text:
        return override
    value = read_yaml(text, f"override {name!r}: the value")
    if name == "sources.mirrors":
        mirrors = as_list(value)
        # Other values are refused when the configuration is read.
        if not isinstance(mirrors, list) or not all(isinstance(one, str) for one in mirrors):
            return override
        return f"{key}={_as_yaml([_absolute(one) for one in mirrors])}"
    if not isinstance(value, str) or value == PACKAGED_MODEL:
        return override
    path = _absolute(value) if name == "sources.mirror" else _absolute_path(value)
    return f"{key}={path if read_yaml(path, name) == path else _as_yaml(path)}"


def _names_a_path(override: str) -> bool:
    """Whether the value of an override contains a path of this machine."""
    key, _, text = override.partition("=")
    name = key.strip()
    texts = [one for one in _texts(read_yaml(text, name)) if one != PACKAGED_MODEL]
    if name in _PATHS and any("://" not in one for one in texts):
        return True
    return any(_LOCAL.match(one) for one in texts)


def _texts(value: object) -> Iterator[str]:
    """All strings in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | Sequence):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one)


def _as_yaml(value: object) -> str:
    # Without escapes, because YAML does not support surrogate pairs.
    return json.dumps(value, ensure_ascii=False)


def _absolute(mirror: str) -> str:
    return mirror if "://" in mirror else str(Path(mirror).absolute())


def _absolute_path(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def overrides_of(given: Mapping[str, object] | Sequence[str] | None) -> tuple[str, ...]:
    """Convert a list of `key=value`, or a mapping of dotted keys to values, to overrides."""
    if given is None:
        return ()
    if isinstance(given, Mapping):
        return tuple(f"{key}={_as_yaml(value)}" for key, value in given.items())
    return tuple(given)
