"""What answers at the address of a scheduler is not one, or the certificates cannot be loaded."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from xlm.cluster.dask.certificates import write_certificates
from xlm.cluster.dask.opening import open_dask
from xlm.config.compute import DaskConfig
from xlm.config.launcher.launcher import LauncherConfig
from xlm.errors import ClusterError, ConfigError
from xlm.store.store import ArtifactStore


def _open(tmp_path: Path, settings: DaskConfig) -> None:
    with open_dask(ArtifactStore.open(str(tmp_path / "store")), settings, LauncherConfig()):
        raise AssertionError("it is open")


def test_a_port_that_accepts_and_is_silent_is_no_scheduler(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ClusterError, match="did not answer within 1 s; check that it runs"):
            _open(tmp_path, DaskConfig(address=address, connect_seconds=1))


def test_a_program_that_greets_with_text_is_no_scheduler(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            accepted, _ = server.accept()
            accepted.sendall(
                b"220 mail.example ESMTP ready at your service, what would you like?\n"
            )
            accepted.recv(1)

        threading.Thread(target=greet, daemon=True).start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ClusterError, match=r"127\.0\.0\.1:\d+ is not a Dask scheduler; set"):
            _open(tmp_path, DaskConfig(address=address, connect_seconds=120))


def test_files_for_tls_are_loaded_before_the_connection(tmp_path: Path) -> None:
    write_certificates(tmp_path)
    good = {
        "tls_ca": str(tmp_path / "ca.pem"),
        "tls_certificate": str(tmp_path / "certificate.pem"),
        "tls_key": str(tmp_path / "key.pem"),
    }
    text = tmp_path / "text.pem"
    text.write_text("no certificate\n")
    other = tmp_path / "other"
    other.mkdir()
    write_certificates(other)
    for name, path, line in (
        ("tls_ca", tmp_path / "none.pem", r"tls_ca: .*none\.pem cannot be read \(No such file"),
        ("tls_ca", text, "tls_ca cannot be loaded"),
        ("tls_certificate", text, "tls_certificate with tls_key cannot be loaded"),
        ("tls_key", other / "key.pem", "tls_certificate with tls_key cannot be loaded"),
    ):
        settings = DaskConfig(
            address="tls://127.0.0.1:9", connect_seconds=120, **{**good, name: str(path)}
        )
        with pytest.raises(ConfigError, match=line):
            _open(tmp_path, settings)


def test_a_server_without_tls_is_named(tmp_path: Path) -> None:
    write_certificates(tmp_path)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = DaskConfig(
            address=f"tls://127.0.0.1:{server.server_port}",
            connect_seconds=120,
            tls_ca=str(tmp_path / "ca.pem"),
            tls_certificate=str(tmp_path / "certificate.pem"),
            tls_key=str(tmp_path / "key.pem"),
        )
        with pytest.raises(ClusterError, match=r"refused the connection: .* both sides use TLS"):
            _open(tmp_path, settings)
        server.shutdown()
