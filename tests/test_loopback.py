"""Which Host and Origin headers a server of this machine accepts."""

import pytest

from xlm.loopback import refusal

PORTS = ("", ":80", ":4200", ":65535")


def _headers(host: str, *origins: str) -> list[tuple[bytes, bytes]]:
    origin = [(b"origin", value.encode("latin-1")) for value in origins]
    return [(b"host", host.encode("latin-1")), *origin]


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost", "[::1]"])
def test_this_machine_is_accepted(name: str, port: str) -> None:
    assert refusal(_headers(name + port)) is None
    assert refusal(_headers(name + port, f"http://localhost{port}")) is None


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost.",
        "127.0.0.2", "127.1", "0.0.0.0", "[::]", "::1", "evil.example@localhost",
        "localhost@evil.example", "localhost/health?", "localhost:4200/api/ready", "localhost?x",
        "localhost#x", "localhost:bad", "localhost:", "localhost:123456", "localhost,evil.example",
        "localhost evil.example", " localhost", "localhost\n", "localhost\\evil", "l\xf6calhost",
    ],
)  # fmt: skip
def test_another_host_is_refused(host: str) -> None:
    assert refusal(_headers(host)) is not None
    assert refusal(_headers("localhost:4200", f"http://{host}")) is not None


@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "http://localhost", "http://localhost:4201", "https://localhost:4200",
        "http://localhost:4200/", "http://localhost:4200/page", "http://localhost:4200@evil",
        "http://u@localhost:4200", "file://", "HTTP://localhost:4200", "http://localhost:99999",
    ],
)  # fmt: skip
def test_another_site_is_refused(origin: str) -> None:
    assert refusal(_headers("localhost:4200", origin)) is not None
    assert refusal(_headers("localhost:4200", "http://localhost:4200", origin)) is not None


def test_two_hosts_or_none_are_refused() -> None:
    assert refusal([]) is not None
    assert refusal(_headers("localhost") * 2) is not None
