"""The parameters after `?` in the URL of a PostgreSQL database, for the driver of Prefect.

    url, variables = for_driver(url, "--database-url")

psql knows parameters that asyncpg takes only as environment variables, and Prefect opens two kinds
of connections. So the URL keeps what all of them understand, and the rest becomes variables of the
server process.

See: https://magicstack.github.io/asyncpg/current/api/index.html#connection
"""

from pathlib import Path
from typing import TYPE_CHECKING

from xlm.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_PREFECT = "PREFECT_SERVER_DATABASE_"
_CONNECTION = f"{_PREFECT}SQLALCHEMY_CONNECT_ARGS_"
_KEPT = (
    "host", "port", "ssl", "target_session_attrs", "krbsrvname", "gsslib",
)  # fmt: skip
_PARTS = ("user", "password", "dbname")
_FILES = {
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
}
_VARIABLES = {
    "sslnegotiation": "PGSSLNEGOTIATION",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "application_name": f"{_CONNECTION}APPLICATION_NAME",
}
_SET_INSTEAD = {
    "connect_timeout": f"{_PREFECT}CONNECTION_TIMEOUT",
    "timeout": f"{_PREFECT}CONNECTION_TIMEOUT",
    "command_timeout": f"{_PREFECT}TIMEOUT",
    "search_path": f"{_CONNECTION}SEARCH_PATH",
    "statement_cache_size": f"{_CONNECTION}STATEMENT_CACHE_SIZE",
    "prepared_statement_cache_size": f"{_CONNECTION}PREPARED_STATEMENT_CACHE_SIZE",
}
"""Parameters that Prefect sets itself."""
_REASONS = {"sslpassword": "use a key without a passphrase, and remove the parameter"}


def for_driver(url: "URL", source: str) -> tuple["URL", dict[str, str]]:
    """The URL with the parameters of asyncpg, and variables for the others.

    Raises:
        ConfigError: the driver does not know a parameter, or the file of one does not exist.
    """
    query: dict[str, str | tuple[str, ...]] = {}
    variables: dict[str, str] = {}
    for name, given in url.query.items():
        value = given if isinstance(given, str) else given[-1]
        if name == "sslmode":  # as psql and most providers write it
            query["ssl"] = value
        elif name in ("host", "port"):  # several: servers to try in turn
            query[name] = given
        elif name in _KEPT:
            query[name] = value
        elif name == "user":
            url = url.set(username=value)
        elif name == "password":
            url = url.set(password=value)
        elif name == "dbname":
            url = url.set(database=value)
        elif name == "passfile":
            query[name] = _file(name, value, source)
        elif name in _FILES:
            variables[_FILES[name]] = _file(name, value, source)
        elif name in _VARIABLES:
            variables[_VARIABLES[name]] = value
        else:
            raise _refused(name, source)
    return url.set(query=query), variables


def _file(name: str, value: str, source: str) -> str:
    """The absolute path of a file, because the server runs in another folder."""
    path = Path(value).absolute()
    if not path.is_file():
        fix = "write the path of a file"
        if value == "system":
            fix += " of certificates, such as /etc/ssl/certs/ca-certificates.crt"
        raise ConfigError(f"{name} in {source}: there is no file {str(path)!r}", fix=fix)
    return str(path)


def _refused(name: str, source: str) -> ConfigError:
    known = sorted({*_KEPT, *_PARTS, *_FILES, *_VARIABLES, "passfile", "sslmode"} - {"ssl"})
    fix = _REASONS.get(name, f"remove it; known are {', '.join(known)}")
    if name in _SET_INSTEAD:
        fix = f"remove it, and set {_SET_INSTEAD[name]}"
    return ConfigError(
        f"{source} has the parameter {name!r}, which Prefect's driver does not take", fix=fix
    )
