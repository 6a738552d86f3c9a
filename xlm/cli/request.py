"""Makes a checked request from command-line options."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.secrets import take_from_override
from xlm.config.reading.warnings import config_warnings
from xlm.errors import ConfigError
from xlm.pipeline.options import Launcher
from xlm.pipeline.request import RunRequest
from xlm.store.store import Verify


def build_request(**values: Any) -> RunRequest:
    """The request for values of the command line, by the names of the options of a run.

    Raises:
        ConfigError: `verify` or `launcher` is none of its values, or a value is not UTF-8.
    """
    given = {name: value for name, value in values.items() if value}
    for text in (one for value in given.values() for one in _texts(value)):
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ConfigError(
                f"{text!r} is not UTF-8", fix="write it in UTF-8, in a locale such as C.UTF-8"
            )
    verify = given.get("verify", "fast")
    if verify not in get_args(Verify):
        raise ConfigError(f"invalid --verify {verify!r}", fix="choose fast or deep")
    if (launcher := given.get("launcher")) not in (None, *get_args(Launcher)):
        raise ConfigError(
            f"invalid --launcher {launcher!r}", fix="choose local, slurm or kubernetes"
        )
    if overrides := given.get("overrides"):
        given["overrides"] = tuple(map(take_from_override, overrides))
    if languages := given.get("languages"):
        given["languages"] = tuple(filter(None, map(str.strip, languages.split(","))))
    return RunRequest(**given)


def _texts(value: str | bool | Sequence[str]) -> Sequence[str]:
    if isinstance(value, bool):
        return ()
    return [value] if isinstance(value, str) else value


def print_warnings(config: PipelineConfig) -> None:
    """Print warnings about settings that are probably a mistake, on standard error."""
    mirrors = config.sources.all_mirrors
    then = "downloads will fail" if len(mirrors) == 1 else "the next mirror will be asked"
    missing = [
        f"sources.mirror: folder {mirror} does not exist, so {then}"
        for mirror in mirrors
        if "://" not in mirror and not Path(mirror).is_dir()
    ]
    for warning in (*config_warnings(config), *missing):
        sys.stderr.write(f"xlm: warning: {warning}\n")
