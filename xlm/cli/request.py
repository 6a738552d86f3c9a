"""From command-line options to a checked request."""

import sys
from collections.abc import Sequence
from pathlib import Path

from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.secrets import take_from_override
from xlm.config.reading.warnings import config_warnings
from xlm.errors import ConfigError
from xlm.pipeline.request import RunRequest


def build_request(
    profile: str,
    overrides: Sequence[str] | None = None,
    languages: str = "",
    until: str | None = None,
    only: Sequence[str] | None = None,
    refresh: Sequence[str] | None = None,
    verify: str = "fast",
) -> RunRequest:
    """The request that the options stand for.

    Raises:
        ConfigError: `verify` is neither fast nor deep, or an option's value is not UTF-8.
    """
    for text in (profile, languages, until or "", *(overrides or ()), *(only or ())):
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ConfigError(
                f"{text!r} is not UTF-8", fix="write it in UTF-8, in a locale such as C.UTF-8"
            )
    if verify not in ("fast", "deep"):
        raise ConfigError(f"--verify {verify!r}", fix="choose fast or deep")
    return RunRequest(
        profile=profile,
        overrides=tuple(take_from_override(one) for one in overrides or ()),
        languages=tuple(code.strip() for code in languages.split(",") if code.strip()),
        until=until,
        only=tuple(only or ()),
        refresh=tuple(refresh or ()),
        verify="deep" if verify == "deep" else "fast",
    )


def print_warnings(config: PipelineConfig) -> None:
    """Print on standard error what is probably not meant."""
    mirror = config.sources.mirror
    absent = mirror is not None and "://" not in mirror and not Path(mirror).is_dir()
    missing = [f"sources.mirror: there is no folder {mirror}: downloads will fail"] * absent
    for warning in (*config_warnings(config), *missing):
        sys.stderr.write(f"xlm: warning: {warning}\n")
