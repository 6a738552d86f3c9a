"""The watch over doors sees what is open, in children too, and knows loopback from the rest."""

import os
import socket
import subprocess
import sys

import pytest

from tests.listening import Door, DoorWatch, descendants_of, doors_of

_LISTENER = """
import socket, sys
door = socket.socket({family}, {kind})
door.bind(("{host}", 0))
if {kind} == socket.SOCK_STREAM:
    door.listen()
print(door.getsockname()[1], flush=True)
sys.stdin.read()
"""


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
def test_a_door_of_a_child_is_seen(family: str, kind: str, host: str, loopback: bool) -> None:
    if family == "socket.AF_INET6" and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    code = _LISTENER.format(family=family, kind=kind, host=host)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        with DoorWatch(lambda: descendants_of(os.getpid())) as watch:
            while not any(door.port == port for door in watch.doors):
                assert child.poll() is None
        found = [door for door in doors_of([child.pid]) if door.port == port]
        child.kill()
    assert [(door.process, door.is_loopback) for door in found] == [(child.pid, loopback)]
    assert [door.port for door in watch.open_to_others if door.port == port] == (
        [] if loopback else [port]
    )


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("::1", True), ("::ffff:127.0.0.1", True), ("::ffff:10.0.0.1", False), ("10.0.0.1", False)],
)
def test_only_loopback_is_loopback(address: str, loopback: bool) -> None:
    assert Door(1, "", "tcp6", address, 1).is_loopback == loopback
