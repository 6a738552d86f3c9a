"""What the programs of this package do with errors and signals."""

import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from xlm.cli.output import print_anything
from xlm.cli.run import END_SIGNALS
from xlm.errors import ConfigError, XlmError


def become_a_program(main: Callable[[], int]) -> NoReturn:
    """Run `main` and exit with its code; an error that a user can mend is one line."""
    print_anything()
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
    """Refuse variables and settings files that Prefect cannot read.

    Raises:
        ConfigError: names the first bad setting.
    """
    from pydantic import ValidationError

    try:
        from prefect.settings import get_current_settings

        get_current_settings().hash_key()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"a PREFECT_ variable is not valid: {name} = {first['input']!r}: {first['msg']}",
            fix="correct it or unset it (environment, .env, prefect.toml)",
        ) from None


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt(number)
