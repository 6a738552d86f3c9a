"""Encrypted connections: a real PostgreSQL with a certificate, as the URL names it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.server.database import take_database
from flows.server.postgresql import require_usable
from tests.flows.shared_server.postgresql import PostgreSQL
from tests.flows.shared_server.prefect_server import until
from tests.flows.ui.ui_process import running_ui
from xlm.errors import ToolError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_environment")]

_NAMES = "subjectAltName=IP:127.0.0.1"


@pytest.fixture(scope="module")
def certificate(postgresql: PostgreSQL) -> Iterator[Path]:
    """The server's certificate, which signs itself."""
    file, key = postgresql.folder / "server.crt", postgresql.folder / "server.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=server", "-addext", _NAMES, "-keyout", key, "-out", file),
        ],
        check=True,
        capture_output=True,
    )
    key.chmod(0o600)
    if os.geteuid() == 0:
        owner = (postgresql.folder / "data").stat()
        os.chown(key, owner.st_uid, owner.st_gid)
    settings = {"ssl_cert_file": file, "ssl_key_file": key, "ssl": "on"}
    postgresql.execute(*(f"alter system set {one} = '{to}'" for one, to in settings.items()))
    postgresql.execute("select pg_reload_conf()")
    until(lambda: _is_on(postgresql), "TLS does not start")
    yield file
    postgresql.execute(*(f"alter system reset {one}" for one in settings))
    postgresql.execute("select pg_reload_conf()")
    until(lambda: not _is_on(postgresql), "TLS does not end")


def _is_on(postgresql: PostgreSQL) -> bool:
    return postgresql.execute("show ssl")[0][0][0] == "on"


def _check(url: str) -> None:
    database = take_database(url)
    assert database is not None
    require_usable(database)


def test_the_certificate_of_the_url_is_trusted(postgresql: PostgreSQL, certificate: Path) -> None:
    url = postgresql.new_database("pw")
    before = dict(os.environ)
    _check(f"{url}?sslmode=verify-full&sslrootcert={certificate}&application_name=xlm")
    assert dict(os.environ) == before


def test_an_untrusted_certificate_is_one_line(
    postgresql: PostgreSQL, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.new_database("cAnArY")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "other.crt").write_text("no certificate")
    for parameters, message in (
        ("sslmode=verify-full", 'root.crt" does not exist'),
        (f"sslmode=verify-full&sslrootcert={tmp_path}/other.crt", "no encrypted connection to"),
        (
            "sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt",
            "certificate verify failed",
        ),
    ):
        with pytest.raises(ToolError) as caught:
            _check(f"{url}?{parameters}")
        line = str(caught.value)
        assert message in line
        assert line.endswith("sslrootcert=FILE has the certificates to trust")
        assert "cAnArY" not in line
        assert "\n" not in line


@pytest.mark.timeout(600)
def test_all_connections_of_the_server_are_encrypted_and_named(
    postgresql: PostgreSQL, certificate: Path, tmp_path: Path
) -> None:
    """Also the one that listens for notifications, which Prefect opens in another way."""
    url = postgresql.new_database("pw")
    name = url.rpartition("/")[2]
    query = f"?sslmode=verify-full&sslrootcert={certificate}&application_name=xlm-test"
    with running_ui(tmp_path / "root", ("--database-url", f"{url}{query}")):
        found = postgresql.execute(
            "select distinct ssl, application_name from pg_stat_activity "
            f"join pg_stat_ssl using (pid) where datname = '{name}'"
        )[0]
        assert [tuple(row) for row in found] == [(True, "xlm-test")]
