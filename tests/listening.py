"""Which doors processes open: what they listen on, as the kernel's own tables say.

    with DoorWatch(lambda: processes_of(root)) as doors:
        xlm(root, "run")
    assert doors.seen and not doors.open_to_others

`/proc/net/tcp` and `tcp6` name the inode of every listening socket, `/proc/<pid>/fd` the inodes
that a process holds: no process can hide a socket from the join of the two.
"""

import ipaddress
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_TABLES = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""Table to the state of a socket that takes what comes from anybody: LISTEN, or unconnected."""
_LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Door:
    """A socket on which a process takes connections or datagrams."""

    process: int
    command: str
    protocol: str
    address: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        address = ipaddress.ip_address(self.address)
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address).is_loopback


def doors_of(processes: Iterable[int]) -> set[Door]:
    """The doors that these processes hold open now."""
    inodes = _listening_inodes()
    found = set()
    for process in processes:
        for inode in _socket_inodes(process) & inodes.keys():
            found.add(Door(process, _command(process), *inodes[inode]))
    return found


def descendants_of(process: int) -> set[int]:
    """A process, its children, and theirs, as far as their parents still live."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(int(entry.name))
    found, todo = set(), [process]
    while todo:
        found.add(one := todo.pop())
        todo += children.get(one, [])
    return found


class DoorWatch:
    """Looks at the doors of a changing set of processes, many times a second."""

    def __init__(self, processes: Callable[[], Iterable[int]]) -> None:
        self._processes = processes
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.doors: set[Door] = set()
        self.seen: dict[int, str] = {}
        """Every process that was looked at, with its command line."""

    @property
    def open_to_others(self) -> list[Door]:
        """Doors that another machine can reach."""
        return sorted((door for door in self.doors if not door.is_loopback), key=str)

    def __enter__(self) -> "DoorWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(_LOOK_SECONDS):
            processes = list(self._processes())
            # One that has just ended has no command line any more.
            commands = {process: _command(process) for process in processes}
            self.seen |= {process: line for process, line in commands.items() if line}
            self.doors |= doors_of(processes)


def _listening_inodes() -> dict[str, tuple[str, str, int]]:
    """Inode to protocol, address and port of every socket that takes what comes."""
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
    """The kernel prints an address as words of 32 bits in the machine's order."""
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
    except OSError:  # it has ended
        return found
    return found


def _command(process: int) -> str:
    try:
        line = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return ""
    return line.replace(b"\0", b" ").decode(errors="replace").strip()
