"""The PostgreSQL database of a Prefect server: which one, and how the server gets its password.

    database = take_database("postgresql://xlm:secret@db.example/prefect")
    database.variables()      # for the server process alone
    str(database)             # xlm@db.example:5432/prefect, for messages

Only the server needs the password. So we remove it from our own environment, which the worker, its
flows and their training processes inherit.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.server.parameters import for_driver
from xlm.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

CONNECTION_URL = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
"""Prefect's own variable; `--database-url` has priority over it."""
_PREFIXES = ("PREFECT_SERVER_DATABASE_", "PREFECT_API_DATABASE_")
_PARTS = ("DRIVER", "HOST", "PORT", "USER", "PASSWORD", "NAME")
_DRIVER = "postgresql+asyncpg"
_SCHEMES = ("postgresql", "postgres", _DRIVER)
_FORM = "postgresql://HOST:PORT/NAME, with USER:PASSWORD@ before HOST"
_PORT = 5432


@dataclass(frozen=True)
class Database:
    """A database on a PostgreSQL server."""

    url: "URL" = field(repr=False)
    source: str
    """The option or variable that names it."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Variables for parameters of the URL that the driver does not take from it."""

    def __str__(self) -> str:
        """User, server and name, without the password."""
        user = f"{self.url.username}@" if self.url.username else ""
        return f"{user}{self.server}/{self.url.database}"

    @property
    def server(self) -> str:
        """Host and port, or the folder of its socket."""
        folder = self.url.query.get("host")
        if folder:
            return folder if isinstance(folder, str) else ",".join(folder)
        host = f"[{self.url.host}]" if ":" in (self.url.host or "") else self.url.host
        return f"{host}:{self.url.port or _PORT}"

    def variables(self) -> dict[str, str]:
        """Variables for the server process."""
        url = self.url.render_as_string(hide_password=False)
        return {CONNECTION_URL: url, **self.parameters}

    def without_password(self, text: str) -> str:
        """The text of a program, on one line and without the password."""
        line = " ".join(text.split())
        return line.replace(str(self.url.password), "***") if self.url.password else line


def take_database(option: str | None = None) -> Database | None:
    """The PostgreSQL database that the user chose, if any; removes it from the environment.

    A SQLite database of the environment stays there, and Prefect's server finds it.

    Raises:
        ConfigError: the URL is not one of PostgreSQL, or lacks a part.
    """
    source, given = ("--database-url", option) if option is not None else _from_environment()
    if option is None and (not given or given.startswith("sqlite")):
        return None
    url, parameters = for_driver(_parse(given, source), source)
    _require_parts(url, source)
    if (password := os.environ.pop("PGPASSWORD", None)) and url.password is None:
        url = url.set(password=password)
    database = Database(url, source, parameters)
    for prefix in _PREFIXES:
        for name in ("CONNECTION_URL", *_PARTS):
            os.environ.pop(prefix + name, None)
    return database


def _from_environment() -> tuple[str, str]:
    """Name and value of the variable that Prefect would use, or the URL of its parts."""
    for prefix in _PREFIXES:
        if given := os.environ.get(f"{prefix}CONNECTION_URL"):
            return f"{prefix}CONNECTION_URL", given
    for prefix in _PREFIXES:
        if os.environ.get(f"{prefix}DRIVER") == _DRIVER:
            return f"{prefix}DRIVER", _joined(prefix)
    return "", ""


def _joined(prefix: str) -> str:
    from sqlalchemy.engine import URL

    part = {name: os.environ.get(prefix + name) or None for name in _PARTS}
    port = part["PORT"] or str(_PORT)
    if not (port.isascii() and port.isdecimal()):
        raise ConfigError(f"{prefix}PORT={port!r} is not a port", fix="write a number")
    host, user, password, name = (part[one] for one in ("HOST", "USER", "PASSWORD", "NAME"))
    url = URL.create(_DRIVER, user, password, host, int(port), name)
    return url.render_as_string(hide_password=False)


def _parse(given: str, source: str) -> "URL":
    """Check and translate a URL; an error does not show it, because it may contain a password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    scheme, separator, _ = given.strip().partition("://")
    if not separator:
        raise ConfigError(f"{source} is not a URL", fix=f"write {_FORM}")
    if scheme not in _SCHEMES:
        raise ConfigError(
            f"{source} has the scheme {scheme!r}, which is not one of PostgreSQL",
            fix=f"write {_FORM}",
        )
    try:
        url = make_url(given.strip())
    except (ArgumentError, ValueError) as error:
        raise ConfigError(f"{source} is not a valid URL", fix=f"write {_FORM}") from error
    # After a second @, parts of a password would be taken for a host or a name, and be shown.
    if given.count("@") > 1 or "@" in (url.database or "") or "/" in (url.database or ""):
        raise ConfigError(
            f"{source} is not a valid URL",
            fix="in the password, write @ as %40, / as %2F, : as %3A and % as %25",
        )
    return url.set(drivername=_DRIVER)


def _require_parts(url: "URL", source: str) -> None:
    has_host = url.host or url.query.get("host")
    if not has_host or not url.database:
        missing = "the name of the database" if has_host else "the host"
        raise ConfigError(f"{source} lacks {missing}", fix=f"write {_FORM}")
