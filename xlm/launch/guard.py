"""Runs one command and ends its process group when the starter's socket closes (see child.py).

    python -I -S guard.py TERMINATE_SECONDS COMMAND ARGUMENT...

Standard input is our end of the starter's socket; what the command used is written back into it.
TERMINATE_SECONDS is what the command gets to save its work between SIGTERM and SIGKILL. Standard
library only, and no import of xlm.
"""

import contextlib
import os
import resource
import select
import signal
import subprocess
import sys
import threading

SOCKET = 0
CANNOT_START = 127


def main(arguments: list[str]) -> int:
    """Run the command; its exit status becomes ours, a signal that ended it ends us too."""
    terminate_seconds, *command_line = arguments
    # SIGTERM to the group is for the command; the guard must stay to see it end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # So must it when Slurm sends SIGUSR1 to all. The starter blocked that until here; commands
    # that take it set a handler, the others inherit that it is ignored.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
    try:
        command = subprocess.Popen(
            command_line, stdin=subprocess.DEVNULL, preexec_fn=_default_terminate
        )
    except OSError as error:
        sys.stderr.write(f"{command_line[0]}: {error.strerror}\n")
        return CANNOT_START
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(ended, float(terminate_seconds)), daemon=True)
    watcher.start()
    status = command.wait()
    _report()
    ended.set()
    if _starter_let_go(seconds=0):
        watcher.join()  # It kills what the command left behind, and us.
    if status >= 0:
        return status
    if -status in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
    return 128 - status  # only where that signal does not end a process


def _default_terminate() -> None:
    # An ignored signal stays ignored across exec. Safe here: the guard has no other thread yet.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _watch(ended: threading.Event, terminate_seconds: float) -> None:
    """Wait for the end of the socket, then end the group, softly first."""
    _starter_let_go(seconds=None)
    os.killpg(0, signal.SIGTERM)
    ended.wait(terminate_seconds)
    os.killpg(0, signal.SIGKILL)


def _starter_let_go(seconds: float | None) -> bool:
    # The starter never writes, so readable means that its end is closed.
    return bool(select.select([SOCKET], [], [], seconds)[0])


def _report() -> None:
    """Tell the starter, if there still is one, peak KiB and CPU seconds of all descendants."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    with contextlib.suppress(OSError):
        os.write(SOCKET, f"{usage.ru_maxrss} {usage.ru_utime + usage.ru_stime}".encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
