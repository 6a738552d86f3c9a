"""Runs one command and ends its process group when the starter asks, or is gone (see child.py).

    python -I -S guard.py TERMINATE_SECONDS HELD COMMAND ARGUMENT...

Standard input is our end of the starter's socket; what the command used is written back into it.
TERMINATE_SECONDS is what the command gets to save its work between SIGTERM and SIGKILL. HELD names
signals that stay blocked until the command unblocks them, as numbers joined by commas. Standard
library only, and no import of xlm.
"""

import contextlib
import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time

SOCKET = 0
CANNOT_START = 127
ORPHAN_SECONDS = 6.0
"""What the command gets at most once the starter is dead; there may be a guard below a guard."""
_OURS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP, signal.SIGINT)
"""Signals to the group, or to every process, are for the command: the guard must see it end."""
_LOOK_SECONDS = 0.2
_PR_SET_PDEATHSIG = 1
_LINUX = sys.platform.startswith("linux")


def main(arguments: list[str]) -> int:
    """Run the command; its exit status becomes ours, a signal that ended it ends us too."""
    terminate_seconds, held, *command_line = arguments
    ignored = {number for number in _OURS if signal.getsignal(number) == signal.SIG_IGN}
    for number in _OURS:
        signal.signal(number, signal.SIG_IGN)
    # The starter blocked SIGUSR1 until here; commands that take it set a handler, the others
    # inherit that it is ignored.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
    usual = {signal.SIGTERM, *(set(_OURS) - ignored - {signal.SIGUSR1})}
    us, libc = os.getpid(), ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        # Safe between fork and exec here: the guard has no other thread yet.
        for number in usual:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(
            signal.SIG_BLOCK, [int(number) for number in held.split(",") if number]
        )
        if _LINUX:  # whoever kills the guard alone kills the command too
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != us:
                os._exit(CANNOT_START)

    try:
        command = subprocess.Popen(
            command_line, stdin=subprocess.DEVNULL, preexec_fn=prepare, close_fds=False
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
    if _word(seconds=0):
        watcher.join()  # It kills what the command left behind, and us.
    if status >= 0:
        return status
    if -status in _OURS:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
    return 128 - status  # only where that signal does not end a process


def _watch(ended: threading.Event, terminate_seconds: float) -> None:
    """Wait for a word of the starter, or its death, then end the group, softly first."""
    _word(seconds=None)
    os.killpg(0, signal.SIGTERM)
    deadline = time.monotonic() + terminate_seconds
    while not ended.wait(_LOOK_SECONDS) and time.monotonic() < deadline:
        if _word(seconds=0) == "gone":
            deadline = min(deadline, time.monotonic() + ORPHAN_SECONDS)
            ended.wait(max(0.0, deadline - time.monotonic()))
            break
    os.killpg(0, signal.SIGKILL)


def _word(seconds: float | None) -> str:
    """`end` once the starter has asked, `gone` once its end is closed; else empty.

    What it wrote is never read, so that both threads of ours see it.
    """
    poll = select.poll()
    poll.register(SOCKET, select.POLLIN)
    events = poll.poll(None if seconds is None else 1000 * seconds)
    if not events:
        return ""
    return "gone" if events[0][1] & (select.POLLHUP | select.POLLERR) else "end"


def _report() -> None:
    """Tell the starter, if there still is one, peak KiB and CPU seconds of all descendants."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    with contextlib.suppress(OSError):
        os.write(SOCKET, f"{usage.ru_maxrss} {usage.ru_utime + usage.ru_stime}".encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
