"""Each reason why a database cannot be used is one clear line, against a real PostgreSQL."""

import socket
from pathlib import Path

import pytest

from flows.server import postgresql as checks
from flows.server.database import take_database
from flows.server.postgresql import require_usable
from tests.corpus.http.raw_server import raw_server
from tests.flows.console import start
from tests.flows.shared_server.postgresql import PostgreSQL
from xlm.errors import ToolError

pytestmark = pytest.mark.slow

PASSWORD = "cAn@rY:/ %'w"


def _check(url: str) -> None:
    database = take_database(url)
    assert database is not None
    require_usable(database)


def _error(url: str) -> str:
    with pytest.raises(ToolError) as caught:
        _check(url)
    line = str(caught.value)
    assert "\n" not in line
    assert "cAn" not in line
    return line


def test_a_usable_database_passes(postgresql: PostgreSQL) -> None:
    _check(postgresql.new_database(PASSWORD))


def test_user_password_and_database_are_told_apart(postgresql: PostgreSQL) -> None:
    url = postgresql.new_database(PASSWORD)
    name = url.rpartition("/")[2]
    for wrong in (url.replace("w@", "x@"), url.replace(f"//{name}", "//nobody")):
        assert "refused the password of" in _error(wrong)
    missing = _error(url.removesuffix(name) + "missing")
    assert missing.startswith(f"the database 'missing' does not exist on {postgresql.server}; ")
    assert f"createdb --encoding=UTF8 --owner={name} missing" in missing
    assert "`sslmode` parameter must be one of" in _error(f"{url}?sslmode=yes")
    assert "SSL" in _error(f"{url}?sslmode=require")


def test_rights_of_the_user(postgresql: PostgreSQL) -> None:
    url = postgresql.new_database(PASSWORD)
    name = url.rpartition("/")[2]
    postgresql.execute(f"alter database {name} owner to postgres")
    assert f"{name!r} may not create tables" in _error(url)
    postgresql.execute(f"grant create on schema public to {name}", database=name)
    assert f"{name!r} may not create the extension pg_trgm" in _error(url)
    postgresql.execute("create extension pg_trgm", database=name)
    _check(url)
    postgresql.execute("create table alembic_version (version_num text)", database=name)
    assert "may not use the tables of another user" in _error(url)
    postgresql.execute(f"revoke connect on database {name} from public", database=name)
    assert f"{name!r} may not connect to the database" in _error(url)


def test_what_prefect_could_not_use(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    latin = postgresql.new_database(PASSWORD, "encoding 'LATIN1' template template0 locale 'C'")
    assert "has the encoding LATIN1" in _error(latin)
    url = postgresql.new_database(PASSWORD)
    name = url.rpartition("/")[2]
    postgresql.execute(f"alter role {name} set default_transaction_read_only = on")
    assert "is read-only" in _error(url)
    postgresql.execute(f"alter role {name} reset default_transaction_read_only")
    postgresql.execute(
        f"set role {name}",
        "create table alembic_version (version_num text)",
        "insert into alembic_version values ('ffffffffffff')",
        database=name,
    )
    assert "set up by a newer Prefect (revision ffffffffffff)" in _error(url)
    postgresql.execute("update alembic_version set version_num = '25f4b90a7a42'", database=name)
    _check(url)
    monkeypatch.setattr(checks, "_OLDEST", (99, 1))
    assert "Prefect needs 99.1 or newer" in _error(url)


def test_a_server_without_a_free_connection(postgresql: PostgreSQL) -> None:
    url = postgresql.new_database(PASSWORD)
    name = url.rpartition("/")[2]
    postgresql.execute(f"alter role {name} connection limit 0")
    assert "has no free connection" in _error(url)


def test_what_is_no_postgresql_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_CONNECT_SECONDS", 0.5)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        assert f"no PostgreSQL answers on 127.0.0.1:{port}: " in _error(_url(port))
        closed.listen()  # it accepts and says nothing
        assert f"no PostgreSQL answers on 127.0.0.1:{port}: " in _error(_url(port))
    with raw_server(lambda connection, _: connection.sendall(b"HTTP/1.1 400 No\r\n\r\n")) as web:
        port = int(web.rpartition(":")[2])
        assert f"no PostgreSQL answers on 127.0.0.1:{port}: " in _error(_url(port))
    assert "no PostgreSQL answers on unknown.invalid:5432: " in _error(
        "postgresql://me:cAnArY@unknown.invalid/n"
    )


def _url(port: int) -> str:
    return f"postgresql://me:cAnArY@127.0.0.1:{port}/n"


@pytest.mark.parametrize("command", [("ui", "--port", "1"), ("run", "--only", "make-world")])
def test_commands_end_with_that_line_before_a_server_starts(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = _url(closed.getsockname()[1])
        arguments = [*command]
        if command[0] == "ui":
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                arguments[-1] = str(free.getsockname()[1])
        process = start(
            tmp_path, *arguments, cwd=Path.cwd(), PREFECT_SERVER_DATABASE_CONNECTION_URL=url
        )
        printed, _ = process.communicate(timeout=100)
    assert process.returncode == 1
    (line,) = printed.splitlines()
    assert line.startswith("xlm: no PostgreSQL answers on 127.0.0.1:")
    assert "cAnArY" not in printed
    assert not (tmp_path / "prefect" / "server.log").exists()
