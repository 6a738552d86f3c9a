"""`SocketWatch` finds the sockets of child processes and recognizes loopback addresses."""

import os
import socket
import subprocess
import sys

import pytest

from tests.listening_sockets import (
    ListeningSocket,
    SocketWatch,
    descendants_of,
    listening_sockets_of,
)

_LISTENER = """
import socket, sys
listener = socket.socket({family}, {kind})
listener.bind(("{host}", 0))
if {kind} == socket.SOCK_STREAM:
    listener.listen()
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "kind", "host", "loopback"),
    [
        ("socket.AF_INET", "socket.SOCK_STREAM", "127.0.0.1", True),
        ("socket.AF_INET", "socket.SOCK_STREAM", "127.3.2.1", True),
        ("socket.AF_INET", "socket.SOCK_STREAM", "0.0.0.0", False),
        ("socket.AF_INET", "socket.SOCK_DGRAM", "0.0.0.0", False),
        ("socket.AF_INET6", "socket.SOCK_STREAM", "::", False),
    ],
)
def test_a_socket_of_a_child_is_found(family: str, kind: str, host: str, loopback: bool) -> None:
    if family == "socket.AF_INET6" and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    code = _LISTENER.format(family=family, kind=kind, host=host)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        with SocketWatch(lambda: descendants_of(os.getpid())) as watch:
            while not any(one.port == port for one in watch.sockets):
                assert child.poll() is None
        found = [one for one in listening_sockets_of([child.pid]) if one.port == port]
        child.kill()
    assert [(one.process, one.is_loopback) for one in found] == [(child.pid, loopback)]
    assert [one.port for one in watch.open_to_others if one.port == port] == (
        [] if loopback else [port]
    )


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("::1", True), ("::ffff:127.0.0.1", True), ("::ffff:10.0.0.1", False), ("10.0.0.1", False)],
)
def test_loopback_addresses_are_recognized(address: str, loopback: bool) -> None:
    assert ListeningSocket(1, "", "tcp6", address, 1).is_loopback == loopback
