"""Checks of a PostgreSQL database before a Prefect server uses it.

The server itself would end with a traceback, or start and fail in its first migration. Each check
is one line that says what is wrong and how to fix it.
"""

import asyncio
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.server.database import Database
from xlm.errors import ToolError

_OLDEST = (14, 9)
"""The oldest version of PostgreSQL that Prefect supports."""
_CONNECT_SECONDS = 10.0
_START_SECONDS = 30.0
"""How long to wait for a PostgreSQL server that is starting."""
_RETRY_SECONDS = 0.5
_PREFECT_TLS = "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_TLS_ENABLED"
_CERTIFICATE = "correct its parameters: sslrootcert=FILE has the certificates to trust"
_FACTS = """
select
    current_setting('server_version') as version,
    current_setting('server_version_num')::int as version_number,
    current_setting('server_encoding') as encoding,
    pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as is_read_only,
    current_schema() as schema,
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) as may_create,
    has_database_privilege(current_database(), 'CREATE') as may_extend,
    exists (select from pg_extension where extname = 'pg_trgm') as has_trigrams,
    exists (select from pg_available_extensions where name = 'pg_trgm') as knows_trigrams,
    to_regclass('alembic_version') is not null as is_set_up,
    coalesce(has_table_privilege(to_regclass('alembic_version'), 'SELECT, INSERT'), true) as may_use
"""


def require_usable(database: Database) -> None:
    """Check that a Prefect server can use the database.

    Raises:
        ToolError: PostgreSQL does not answer or is too old, the user or the database does not
            exist, the password is wrong, the user lacks a right, or the database is not usable.
    """
    if os.environ.get(_PREFECT_TLS, "").lower() in ("1", "true", "yes", "on"):
        return  # only the server has the certificates
    with _variables(database.parameters):
        asyncio.run(_check(database))


@contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Set what the driver reads from the environment, for the checks alone."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]
        os.environ.update(before)


async def _check(database: Database) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    engine = create_async_engine(
        database.url, poolclass=NullPool, connect_args={"timeout": _CONNECT_SECONDS}
    )
    try:
        connection = await _connect(engine, database)
        try:
            raw = (await connection.get_raw_connection()).driver_connection
            facts = dict(await raw.fetchrow(_FACTS))
            revision = None
            if facts["is_set_up"] and facts["may_use"]:
                revision = await raw.fetchval("select version_num from alembic_version")
        finally:
            await connection.close()
    finally:
        await engine.dispose()
    _require_server(database, facts)
    _require_rights(database, facts)
    if revision is not None and not _knows(revision):
        raise ToolError(
            f"the database {database} was set up by a newer Prefect (revision {revision})",
            fix="update this installation, or use another database",
        )


async def _connect(engine: Any, database: Database) -> Any:
    from asyncpg import CannotConnectNowError
    from sqlalchemy.exc import SQLAlchemyError

    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return await engine.connect()
        except (SQLAlchemyError, OSError, OverflowError, TypeError, ValueError) as error:
            cause = _cause(error)
            if not isinstance(cause, CannotConnectNowError) or time.monotonic() > deadline:
                raise _refused(cause, database) from None  # a cause may show the URL
        await asyncio.sleep(_RETRY_SECONDS)


def _cause(error: Exception) -> Exception:
    """The exception of asyncpg that SQLAlchemy wraps in two others."""
    inner = getattr(error, "orig", None)
    cause = getattr(inner, "__cause__", None)
    return next((one for one in (cause, inner) if isinstance(one, Exception)), error)


def _refused(error: Exception, database: Database) -> ToolError:
    """What is wrong with a connection that failed, and how to fix it."""
    import asyncpg

    user, name, source = database.url.username, database.url.database, database.source
    reason = database.without_password(str(error)) or type(error).__name__
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        what = f"the database {name!r} does not exist on {database.server}"
        fix = f"create it: createdb --encoding=UTF8 --owner={user} {name}"
    elif isinstance(error, asyncpg.InvalidPasswordError):
        what = f"{database.server} refused the password of {user!r}, or has no such user"
        fix = f"correct {source}, or set PGPASSWORD or PGPASSFILE"
    elif isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        what, fix = f"{database.server} refused the user {user!r}: {reason}", f"correct {source}"
    elif isinstance(error, asyncpg.InsufficientPrivilegeError):
        what = f"{user!r} may not connect to the database {name!r} on {database.server}"
        fix = f'run: grant connect on database "{name}" to "{user}"'
    elif isinstance(error, asyncpg.TooManyConnectionsError):
        what = f"{database.server} has no free connection: {reason}"
        fix = "raise max_connections of PostgreSQL, or stop other clients"
    elif isinstance(error, asyncpg.CannotConnectNowError):
        what, fix = f"PostgreSQL on {database.server} is not ready: {reason}", "try again later"
    elif isinstance(error, asyncpg.ClientConfigurationError):
        what, fix = f"{source} is not usable: {reason}", _CERTIFICATE
    elif isinstance(error, ssl.SSLError):
        what, fix = f"no encrypted connection to {database.server}: {reason}", _CERTIFICATE
    else:
        what = f"no PostgreSQL answers on {database.server}: {reason}"
        fix = f"start it, or correct {source}"
    return ToolError(what, fix=fix)


def _require_server(database: Database, facts: dict[str, Any]) -> None:
    if facts["version_number"] < _OLDEST[0] * 10_000 + _OLDEST[1]:
        raise ToolError(
            f"PostgreSQL on {database.server} has version {facts['version']}",
            fix=f"Prefect needs {_OLDEST[0]}.{_OLDEST[1]} or newer",
        )
    if facts["encoding"] != "UTF8":
        raise ToolError(
            f"the database {database} has the encoding {facts['encoding']}",
            fix="create it again: createdb --encoding=UTF8 --template=template0 ...",
        )
    if facts["is_read_only"]:
        raise ToolError(
            f"the database {database} is read-only", fix="name the primary server, not a standby"
        )


def _require_rights(database: Database, facts: dict[str, Any]) -> None:
    user, name = database.url.username, database.url.database
    if not facts["may_create"]:
        raise ToolError(
            f"{user!r} may not create tables in the database {database}",
            fix=f'make it the owner: alter database "{name}" owner to "{user}"',
        )
    if not facts["may_use"]:
        raise ToolError(
            f"{user!r} may not use the tables of another user in the database {database}",
            fix="use the user that set the database up",
        )
    if not facts["has_trigrams"] and not (facts["knows_trigrams"] and facts["may_extend"]):
        lacks = "may not create" if facts["knows_trigrams"] else "does not have"
        who = repr(user) if facts["knows_trigrams"] else f"PostgreSQL on {database.server}"
        raise ToolError(
            f"{who} {lacks} the extension pg_trgm, which Prefect needs",
            fix=f"run as an administrator in {name!r}: create extension pg_trgm"
            if facts["knows_trigrams"]
            else "install it (Debian: postgresql-contrib)",
        )


def _knows(revision: str) -> bool:
    """Whether the installed Prefect has this revision of the database."""
    from importlib.util import find_spec

    prefect = find_spec("prefect")
    folders = prefect.submodule_search_locations if prefect else None
    return any(
        list(Path(one).glob(f"server/database/_migrations/versions/postgresql/*_{revision}_*.py"))
        for one in folders or ()
    )
