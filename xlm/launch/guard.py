"""Runs one command and ends its process group when the starter's pipe closes (see process.py).

    python -I -S guard.py COMMAND ARGUMENT...

Standard input is the read end of the starter's pipe. Standard library only, and no import of xlm.
"""

import os
import select
import signal
import subprocess
import sys
import threading
import time

TERMINATE_SECONDS = 30.0
"""What the command gets to save its work between SIGTERM and SIGKILL."""
CANNOT_START = 127


def main(arguments: list[str]) -> int:
    """Run the command; its exit status becomes ours, a signal that ended it ends us too."""
    # SIGTERM to the group is for the command; the guard must stay to see it end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        command = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, preexec_fn=_default_terminate
        )
    except OSError as error:
        sys.stderr.write(f"{arguments[0]}: {error.strerror}\n")
        return CANNOT_START
    threading.Thread(target=_watch, args=(command,), daemon=True).start()
    status = command.wait()
    if status >= 0:
        return status
    if -status == signal.SIGTERM:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
    return 128 - status  # only where that signal does not end a process


def _default_terminate() -> None:
    # An ignored signal stays ignored across exec. Safe here: the guard has no other thread yet.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _watch(command: "subprocess.Popen[bytes]") -> None:
    """Wait for the end of the pipe, then end the group, softly first."""
    select.select([sys.stdin.fileno()], [], [])
    os.killpg(0, signal.SIGTERM)
    deadline = time.monotonic() + TERMINATE_SECONDS
    while command.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
