"""Runs one command and ends its process group when the starter asks for it or dies (`child.py`).

    python -I -S guard.py TERMINATE_SECONDS BLOCKED ENDING NOTICE INPUT COMMAND ARGUMENT...

TERMINATE_SECONDS: time between SIGTERM and SIGKILL, for the command to save its work.
BLOCKED, ENDING: signal numbers, joined by commas. BLOCKED stay blocked until the command unblocks
them. ENDING may be sent to the group or to every process; they are for the command, and the guard
ignores them to see it end.
NOTICE: one of ENDING, which commands inherit as ignored.
INPUT: descriptor of the command's standard input, or -1 for none.

Our standard input is our end of the starter's socket; we write what the command used into it.
Standard library only, and no import of xlm: this must start fast.
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

SOCKET, OUTPUT = 0, 1
CANNOT_START = 127
ORPHAN_SECONDS = 6.0
"""Most time for the command once the starter is dead; a guard may run below another guard."""
_POLL_SECONDS = 0.2
_PR_SET_PDEATHSIG = 1
_LINUX = sys.platform.startswith("linux")


def main(arguments: list[str]) -> int:
    """Run the command; end with its exit status, or by the signal that ended it."""
    terminate_seconds, blocked, ending, notice, command_input, *command_line = arguments
    ours = _numbers(ending)
    ignored = {number for number in ours if signal.getsignal(number) == signal.SIG_IGN}
    for number in ours:
        signal.signal(number, signal.SIG_IGN)
    # The starter blocked it until here. Commands that handle it install a handler; the others
    # inherit that it is ignored.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [int(notice)])
    default = {signal.SIGTERM, *(ours - ignored - {int(notice)})}
    guard, libc = os.getpid(), ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        # Safe between fork and exec: the guard has no other thread yet.
        for number in default:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_BLOCK, _numbers(blocked))
        if _LINUX:  # a kill of the guard alone ends the command too
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != guard:
                os._exit(CANNOT_START)

    source = int(command_input)
    try:
        command = subprocess.Popen(
            command_line,
            stdin=subprocess.DEVNULL if source < 0 else source,
            preexec_fn=prepare,
            close_fds=False,
        )
    except OSError as error:
        sys.stderr.write(f"{command_line[0]}: {error.strerror}\n")
        return CANNOT_START
    _close_pipes(source)
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(ended, float(terminate_seconds)), daemon=True)
    watcher.start()
    status = command.wait()
    _report()
    ended.set()
    if _message(seconds=0):
        watcher.join()  # It kills what the command left running, and us.
    if status >= 0:
        return status
    if -status in ours:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
    return 128 - status  # only if that signal does not end a process


def _numbers(text: str) -> set[int]:
    return {int(number) for number in text.split(",") if number}


def _close_pipes(source: int) -> None:
    """Leave the command as the only holder of its pipes: their other ends see when it closes them.

    Its errors stay open: we may have one to report.
    """
    if source >= 0:
        os.close(source)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, OUTPUT)
    os.close(nowhere)


def _watch(ended: threading.Event, terminate_seconds: float) -> None:
    """Wait for a message of the starter, or its death, then end the group: SIGTERM, SIGKILL."""
    _message(seconds=None)
    os.killpg(0, signal.SIGTERM)
    deadline = time.monotonic() + terminate_seconds
    while not ended.wait(_POLL_SECONDS) and time.monotonic() < deadline:
        if _message(seconds=0) == "gone":
            deadline = min(deadline, time.monotonic() + ORPHAN_SECONDS)
            ended.wait(max(0.0, deadline - time.monotonic()))
            break
    os.killpg(0, signal.SIGKILL)


def _message(seconds: float | None) -> str:
    """`end` if the starter has asked for the end, `gone` if its socket is closed; else empty.

    The message is never read, so that both of our threads see it.
    """
    poll = select.poll()
    poll.register(SOCKET, select.POLLIN)
    events = poll.poll(None if seconds is None else 1000 * seconds)
    if not events:
        return ""
    return "gone" if events[0][1] & (select.POLLHUP | select.POLLERR) else "end"


def _report() -> None:
    """Report peak KiB and CPU seconds of all descendants to the starter, if it still runs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    with contextlib.suppress(OSError):
        os.write(SOCKET, f"{usage.ru_maxrss} {usage.ru_utime + usage.ru_stime}".encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
