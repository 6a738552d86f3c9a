"""What the programs of this package do with errors and signals."""

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
"""A setting that only lacks the value of the one that is wrong."""
_SHOWN_CHARACTERS = 80


def run_program(main: Callable[[], int]) -> NoReturn:
    """Run `main` and exit with its code; an error that a user can mend is one line."""
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
    """Refuse variables and settings files that Prefect cannot read; Prefect itself prints nothing.

    Raises:
        ConfigError: names the first bad setting.
    """
    from pydantic import ValidationError
    from pydantic_settings.exceptions import SettingsError

    try:
        with _stderr_unless_it_fails():
            from prefect.settings import get_current_settings

            get_current_settings().hash_key()
    except ValidationError as error:
        first = next((e for e in error.errors() if e["type"] != _FOLLOWS), error.errors()[0])
        path, value = [str(part) for part in first["loc"]], first["input"]
        # Headers, which hold keys, are no plain text.
        shown = f" = {value[:_SHOWN_CHARACTERS]!r}" if isinstance(value, str) else ""
        what = f"{_variable(path, str(value))}{shown}: {first['msg']}"
    except SettingsError as error:
        what = str(error).partition("\n")[0]
    else:
        return
    raise ConfigError(
        f"a setting of Prefect is not valid: {what}",
        fix="correct it or unset it (environment, .env, prefect.toml)",
    )


def _variable(path: list[str], value: str) -> str:
    """The variable that sets this value; Prefect names a setting without its section."""
    ending = "_".join(path).upper()
    named = {
        name: given
        for name, given in sorted(os.environ.items())
        if name.startswith("PREFECT_") and name.endswith(ending)
    }
    equal = [name for name, given in named.items() if given.casefold() == value.casefold()]
    return next(iter([*equal, *named]), ".".join(path))


@contextmanager
def _stderr_unless_it_fails() -> Iterator[None]:
    """Hold back what is written to standard error, and drop it if an exception comes out."""
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
