"""Finds the sockets on which processes listen, from the tables of the kernel.

    with SocketWatch(lambda: processes_of(root)) as watch:
        xlm(root, "run")
    assert watch.seen and not watch.open_to_others

`/proc/net/tcp` and `tcp6` list the inode of every listening socket, and `/proc/<pid>/fd` lists the
inodes that a process has open. The join of the two cannot miss a socket.
"""

import ipaddress
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_TABLES = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""The state of a listening socket in each table: LISTEN for TCP, unconnected for UDP."""
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class ListeningSocket:
    """A socket on which a process accepts connections or datagrams."""

    process: int
    command: str
    protocol: str
    address: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect to it."""
        address = ipaddress.ip_address(self.address)
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address).is_loopback


def listening_sockets_of(processes: Iterable[int]) -> set[ListeningSocket]:
    """Return the sockets on which the processes listen now."""
    inodes = _listening_inodes()
    found = set()
    for process in processes:
        for inode in _socket_inodes(process) & inodes.keys():
            found.add(ListeningSocket(process, _command(process), *inodes[inode]))
    return found


def descendants_of(process: int) -> set[int]:
    """Return a process and its descendants, except orphans."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(int(entry.name))
    found, pending = set(), [process]
    while pending:
        found.add(one := pending.pop())
        pending += children.get(one, [])
    return found


class SocketWatch:
    """Records the listening sockets of a changing set of processes, many times a second."""

    def __init__(self, processes: Callable[[], Iterable[int]]) -> None:
        self._processes = processes
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.sockets: set[ListeningSocket] = set()
        self.seen: dict[int, str] = {}
        """The command line of every process that was inspected."""

    @property
    def open_to_others(self) -> list[ListeningSocket]:
        """Sockets to which other machines can connect."""
        return sorted((found for found in self.sockets if not found.is_loopback), key=str)

    def __enter__(self) -> "SocketWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(_POLL_SECONDS):
            processes = list(self._processes())
            # A process that has just ended has no command line.
            commands = {process: _command(process) for process in processes}
            self.seen |= {process: line for process, line in commands.items() if line}
            self.sockets |= listening_sockets_of(processes)


def _listening_inodes() -> dict[str, tuple[str, str, int]]:
    """Map the inode of every listening socket to its protocol, address and port."""
    found = {}
    for protocol, state in _TABLES.items():
        try:
            rows = Path(f"/proc/net/{protocol}").read_text().splitlines()[1:]
        except FileNotFoundError:  # a kernel without IPv6
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == state:
                address, port = fields[1].split(":")
                found[fields[9]] = (protocol, _address(address), int(port, 16))
    return found


def _address(hexadecimal: str) -> str:
    """Parse an address, which the kernel prints as 32-bit words in native byte order."""
    words = [hexadecimal[i : i + 8] for i in range(0, len(hexadecimal), 8)]
    packed = b"".join(bytes.fromhex(word)[::-1] for word in words)
    return str(ipaddress.ip_address(packed))


def _socket_inodes(process: int) -> set[str]:
    found = set()
    try:
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            try:
                target = str(descriptor.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:  # the process has ended
        return found
    return found


def _command(process: int) -> str:
    try:
        line = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return ""
    return line.replace(b"\0", b" ").decode(errors="replace").strip()
