"""What a user asks for: a profile, what differs from it, and which part of the DAG."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field, field_validator

from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.resolve import resolve
from xlm.config.reading.secrets import refuse_secrets
from xlm.engine.request import BuildRequest


class RunRequest(BuildRequest):
    """The parameters of a run, the same on the command line and in a deployment."""

    profile: str = Field(
        "sample", description="sample, mini15, xnli15, or the path of a YAML file."
    )
    overrides: tuple[str, ...] = Field((), description="Settings as `key.path=value`.")
    languages: tuple[str, ...] = Field((), description="Languages to keep; empty: the profile's.")

    @field_validator("overrides")
    @classmethod
    def _without_secrets(cls, overrides: tuple[str, ...]) -> tuple[str, ...]:
        # Requests are stored as they are: by Prefect, in run records, on command lines.
        refuse_secrets(overrides)
        return overrides

    def resolve(self) -> PipelineConfig:
        """The configuration that this request stands for."""
        config = resolve(self.profile, self.overrides, self.languages)
        mirror = config.sources.mirror
        if mirror is None or "://" in mirror:
            return config
        # A folder is meant from where the user stands, not from where a worker does.
        sources = config.sources.model_copy(update={"mirror": str(Path(mirror).absolute())})
        return config.model_copy(update={"sources": sources})

    def refreshing(self, *names: str) -> "RunRequest":
        """The same request with these stages or nodes built again, and nothing else."""
        return self.model_copy(update={"refresh": names})

    def absolute(self) -> "RunRequest":
        """The same request with absolute paths, which mean the same in every folder."""
        profile = self.profile
        if profile.endswith((".yaml", ".yml")):
            profile = str(Path(profile).absolute())
        overrides = tuple(map(_with_absolute_mirror, self.overrides))
        return self.model_copy(update={"profile": profile, "overrides": overrides})

    def command(self, root: Path) -> str:
        """The `xlm run` line for this request and store, quoted for a shell, for any folder."""
        lasting = self.absolute()
        words = ["xlm", "run", "--profile", lasting.profile]
        words += [word for override in lasting.overrides for word in ("--set", override)]
        if self.languages:
            words += ["--languages", ",".join(self.languages)]
        if self.until:
            words += ["--until", self.until]
        words += [word for name in self.only for word in ("--only", name)]
        words += [word for name in self.refresh for word in ("--refresh", name)]
        if self.verify != "fast":
            words += ["--verify", self.verify]
        return shlex.join([*words, "--root", str(root)])


def _with_absolute_mirror(override: str) -> str:
    key, _, value = override.partition("=")
    is_folder = key.strip() == "sources.mirror" and value[:1] in "./" and "://" not in value
    return f"{key}={Path(value).absolute()}" if is_folder and value else override


def overrides_of(given: Mapping[str, object] | Sequence[str] | None) -> tuple[str, ...]:
    """Overrides as text: a list of `key=value`, or a mapping of dotted keys to values."""
    if given is None:
        return ()
    if isinstance(given, Mapping):
        # Not escaped: YAML knows no surrogate pairs.
        return tuple(
            f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in given.items()
        )
    return tuple(given)
