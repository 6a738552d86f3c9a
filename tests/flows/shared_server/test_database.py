"""The database that the user names: option, variables, translation, errors without passwords."""

import os
from pathlib import Path

import pytest

from flows.commands import prefect_programs as programs
from flows.server.database import CONNECTION_URL, take_database
from flows.server.prefect_api import shown_url
from xlm.errors import ConfigError

pytestmark = pytest.mark.usefixtures("restored_environment")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("postgresql://me:pw@h/n", "postgresql+asyncpg://me:pw@h/n"),
        ("postgres://me@h:99/n", "postgresql+asyncpg://me@h:99/n"),
        ("postgresql+asyncpg://me:p%40w@h/n", "postgresql+asyncpg://me:p%40w@h/n"),
        (" postgresql://h/n?sslmode=require\n", "postgresql+asyncpg://h/n?ssl=require"),
        ("postgresql://me@/n?host=/run/pg", "postgresql+asyncpg://me@/n?host=%2Frun%2Fpg"),
        ("postgresql:///?host=/s&dbname=n&user=me", "postgresql+asyncpg://me@/n?host=%2Fs"),
        ("postgresql://h/n?user=me&password=p%40w", "postgresql+asyncpg://me:p%40w@h/n"),
    ],
)
def test_a_url_is_translated_for_the_driver_of_prefect(given: str, url: str) -> None:
    database = take_database(given)
    assert database is not None
    assert database.variables() == {CONNECTION_URL: url}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("mysql://me:cAnArY@h/n", "has the scheme 'mysql'"),
        ("postgresql+psycopg2://me:cAnArY@h/n", "has the scheme 'postgresql+psycopg2'"),
        ("sqlite+aiosqlite:///x.db", "has the scheme 'sqlite+aiosqlite'"),
        ("me:cAnArY@h/n", "is not a URL"),
        ("", "is not a URL"),
        ("postgresql://me:cAn@ArY@h/n", "write @ as %40"),
        ("postgresql://me:cAnArY@h:port/n", "is not a valid URL"),
        ("postgresql://me:cAnArY@h", "lacks the name of the database"),
        ("postgresql://me:cAnArY@/n", "lacks the host"),
        ("postgresql://me:cAn@1/ArY@h/n", "write @ as %40"),
        ("postgresql://me:1@cAn?ArY@h/n", "write @ as %40"),
        ("postgresql://me:1@cAn/n?ArY@h/n", "write @ as %40"),
        ("postgresql://me:1@cAn#ArY@h/n", "write @ as %40"),
        ("postgresql://m/e:cAnArY@h", "write @ as %40"),
        (
            "postgresql://me:cAnArY@h/n?sslmod=require",
            "'sslmod', which Prefect's driver does not take; remove it; known are application_name",
        ),
        ("postgresql://h/n?sslpassword=cAnArY", "use a key without a passphrase, and remove"),
        (
            "postgresql://h/n?connect_timeout=3",
            "remove it, and set PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT",
        ),
        (
            "postgresql://h/n?search_path=x",
            "set PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_SEARCH_PATH",
        ),
        ("postgresql://h/n?dsn=postgresql://x", "has the parameter 'dsn'"),
        (
            "postgresql://h/n?sslmode=require&sslrootcert=/no/such",
            "sslrootcert in --database-url: there is no file '/no/such'; write the path of a file",
        ),
        ("postgresql://h/n?sslrootcert=system", "such as /etc/ssl/certs/ca-certificates.crt"),
    ],
)
def test_another_url_is_refused_without_its_password(given: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        take_database(given)
    line = str(caught.value)
    assert line.startswith(f"--database-url {error}") or error in line
    assert not {"cAnArY", "cAn", "ArY"} & set(line.replace("@", " ").replace(":", " ").split())
    assert "\n" not in line


def test_other_parameters_of_psql_become_variables_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncpg takes no such arguments, and Prefect gives it all that the URL has."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.crt").touch()
    database = take_database(
        "postgresql://me@h/n?sslmode=verify-full&sslrootcert=ca.crt&application_name=xlm%20ui"
        "&ssl_min_protocol_version=TLSv1.3&target_session_attrs=any&target_session_attrs=primary"
    )
    assert database is not None
    assert database.variables() == {
        CONNECTION_URL: "postgresql+asyncpg://me@h/n?ssl=verify-full&target_session_attrs=primary",
        "PGSSLROOTCERT": str(tmp_path / "ca.crt"),
        "PGSSLMINPROTOCOLVERSION": "TLSv1.3",
        "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_APPLICATION_NAME": "xlm ui",
    }
    assert "PGSSLROOTCERT" not in os.environ


def test_the_variables_of_prefect_are_read_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker and its flows inherit the environment, and do not need the password."""
    monkeypatch.setenv(CONNECTION_URL, "postgresql://me:cAnArY@h/n")
    monkeypatch.setenv("PREFECT_API_DATABASE_PASSWORD", "cAnArY")
    database = take_database()
    assert str(database) == "me@h:5432/n"
    assert "cAnArY" not in repr(database) + str(dict(os.environ))

    for part, value in {
        "DRIVER": "postgresql+asyncpg", "HOST": "h", "USER": "me", "PASSWORD": "p@/:%", "NAME": "n",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"PREFECT_SERVER_DATABASE_{part}", value)
    database = take_database()
    assert database is not None
    assert database.url.password == "p@/:%"
    assert not [name for name in os.environ if "DATABASE" in name]


def test_the_option_has_priority_and_a_file_of_sqlite_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(CONNECTION_URL, "postgresql://me@other/n")
    assert str(take_database("postgresql://me@h/n")) == "me@h:5432/n"
    assert take_database() is None
    monkeypatch.setenv(CONNECTION_URL, "sqlite+aiosqlite:////x.db")
    assert take_database() is None
    assert os.environ[CONNECTION_URL] == "sqlite+aiosqlite:////x.db"


@pytest.mark.parametrize("url", ["postgresql://me:cAnArY@h/n", "me:cAnArY@h"])
def test_a_password_leaves_the_command_line(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other users can read it as long as the server runs."""
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, words: started.append(words))
    monkeypatch.setattr("sys.argv", ["xlm", "ui", "--database-url", url])
    programs._hide_database_url(url, ["ui", "--port", "4200"])
    ((*_, module, verb, option, port),) = started
    assert (module, verb, option, port) == ("flows.commands.main", "ui", "--port", "4200")
    assert os.environ[CONNECTION_URL] == url


def test_the_password_of_postgresql_programs_goes_to_the_server_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPASSWORD", "p@ss/%word")
    database = take_database("postgresql://me@h/n")
    assert database is not None
    assert database.variables() == {CONNECTION_URL: "postgresql+asyncpg://me:p%40ss%2F%25word@h/n"}
    assert "PGPASSWORD" not in os.environ
    monkeypatch.setenv("PGPASSWORD", "other")
    database = take_database("postgresql://me:mine@h/n")
    assert database is not None
    assert (database.url.password, "PGPASSWORD" in os.environ) == ("mine", False)


def test_ipv6_addresses_are_shown_in_brackets() -> None:
    assert str(take_database("postgresql://me@[::1]/n")) == "me@[::1]:5432/n"
    assert shown_url("http://me:secret@[::1]:4200/api") == "http://[::1]:4200/api"
