"""Errors and signals of `xlm ui` and `xlm deploy`, and a check of Prefect's settings."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import NoReturn

from xlm.errors import ConfigError, XlmError
from xlm.processes.signals import END_SIGNALS

_FOLLOWS = "default_factory_not_called"
"""Error of a setting that only depends on the invalid one."""
_SHOWN_CHARACTERS = 80


def run_program(main: Callable[[], int]) -> NoReturn:
    """Run `main` and exit with its code; print an error of ours as one line."""
    for number in END_SIGNALS:
        signal.signal(number, _interrupt)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, END_SIGNALS)
        sys.exit(main())
    except (XlmError, OSError) as error:
        sys.stderr.write(f"xlm: {error}\n")
        sys.exit(error.exit_code if isinstance(error, XlmError) else 1)
    except KeyboardInterrupt as interrupt:
        sys.exit(128 + (interrupt.args[0] if interrupt.args else signal.SIGINT))


def require_valid_settings() -> None:
    """Refuse variables and settings files that Prefect cannot read, with an error of one line.

    Raises:
        ConfigError: names the first invalid setting.
    """
    from pydantic import ValidationError
    from pydantic_settings.exceptions import SettingsError

    try:
        with _stderr_unless_error():
            from prefect.settings import get_current_settings

            get_current_settings().hash_key()
    except ValidationError as error:
        first = next((e for e in error.errors() if e["type"] != _FOLLOWS), error.errors()[0])
        path, value = [str(part) for part in first["loc"]], first["input"]
        # Headers, which contain keys, are not plain text.
        shown = f" = {value[:_SHOWN_CHARACTERS]!r}" if isinstance(value, str) else ""
        what = f"{_variable(path, str(value))}{shown}: {first['msg']}"
    except SettingsError as error:
        what = str(error).partition("\n")[0]
    else:
        return
    raise ConfigError(
        f"a Prefect setting is not valid: {what}",
        fix="correct it or unset it (environment, .env, prefect.toml)",
    )


def _variable(path: list[str], value: str) -> str:
    """The variable that sets this value; Prefect reports a setting without its section."""
    ending = "_".join(path).upper()
    named = {
        name: given
        for name, given in sorted(os.environ.items())
        if name.startswith("PREFECT_") and name.endswith(ending)
    }
    equal = [name for name, given in named.items() if given.casefold() == value.casefold()]
    return next(iter([*equal, *named]), ".".join(path))


@contextmanager
def _stderr_unless_error() -> Iterator[None]:
    """Capture standard error; print it only if no exception is raised."""
    saved = os.dup(2)
    with TemporaryFile() as held:
        sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
        held.seek(0)
        os.write(2, held.read())


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt(number)
