"""Programs in a pseudo-terminal of a given width."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping
from pathlib import Path

from tests.cli.text.filter_process import REPOSITORY, XLM


def in_terminal(
    *arguments: str | Path, columns: int, environment: Mapping[str, str] | None = None
) -> str:
    """The output of `xlm` on a terminal of a given width, both streams together."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [*XLM, *map(str, arguments)],
        cwd=REPOSITORY,
        env=kept | dict(environment or {}),
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    parts = []
    while True:
        try:
            part = os.read(leader, 1 << 16)
        except OSError:  # Linux reports the end of a terminal that all have closed
            break
        if not part:
            break
        parts.append(part)
    process.wait(60)
    os.close(leader)
    return b"".join(parts).decode().replace("\r\n", "\n")
