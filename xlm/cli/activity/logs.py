"""`xlm logs`: the logs of a build, from any machine that sees the store."""

import codecs
import os
import time
from pathlib import Path

from xlm.cli.output import show, write
from xlm.config.environment import MachineSettings
from xlm.errors import StoreError
from xlm.report.activity.logs import Liveness, Logs, find_logs, log_files, published
from xlm.store.store import ArtifactStore

_POLL_SECONDS = 0.5
_CHUNK_BYTES = 1 << 16


def print_logs(name: str, lines: int | None, follow: bool, process: int, root: str | None) -> None:
    """Print the logs of a build, and with `follow` what is added until it ends.

    Raises:
        StoreError: there is no such build, or it has no logs.
    """
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    logs = find_logs(store, name)
    printer, is_running = _Printer(lines), Liveness(store, logs)
    while True:
        # Asked before reading: what is written until then is printed below.
        goes_on = follow and is_running()
        if not goes_on and not logs.directory.exists():
            logs = published(store, logs)
        printer.print_new(log_files(logs.directory, process))
        if not goes_on:
            break
        time.sleep(_POLL_SECONDS)
    if not printer.has_printed:
        raise _no_logs(logs, process)


def _no_logs(logs: Logs, process: int) -> StoreError:
    if process:
        return StoreError(f"{logs.node} has no log of process {process}", fix="leave out --process")
    return StoreError(
        f"{logs.node} has written no log, as stages do that run inside of the pipeline",
        fix="`xlm status` shows its progress",
    )


class _Printer:
    """Prints files from where it stopped; several files get headers."""

    def __init__(self, lines: int | None) -> None:
        self._lines = lines
        self._offsets: dict[str, int] = {}
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}
        self._last: str | None = None
        self.has_printed = False

    def print_new(self, paths: list[Path]) -> None:
        for path in paths:
            self.has_printed = True
            with path.open("rb") as file:
                offset = self._offsets.get(path.name)
                if offset is None:
                    # A read may end inside of a character.
                    self._decoders[path.name] = codecs.getincrementaldecoder("utf-8")("replace")
                    offset = 0 if self._lines is None else _tail_start(path, self._lines)
                file.seek(min(offset, file.seek(0, os.SEEK_END)))
                while data := file.read(_CHUNK_BYTES):
                    if len(paths) > 1 and self._last != path.name:
                        show(f"==> {path.name} <==")
                    self._last = path.name
                    write(self._decoders[path.name].decode(data))
                self._offsets[path.name] = file.tell()


def _tail_start(path: Path, lines: int) -> int:
    """The offset of the last `lines` lines."""
    data = path.read_bytes()
    end = len(data) - data.endswith(b"\n")
    for _ in range(lines):
        end = data.rfind(b"\n", 0, end)
        if end < 0:
            return 0
    return end + 1 if lines else len(data)
