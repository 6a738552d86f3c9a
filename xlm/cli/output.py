"""Standard output of commands: every character can be printed, and a reader may stop reading."""

import os
import shutil
import signal
import sys
from io import TextIOWrapper

from xlm.errors import ToolError


def print_anything() -> None:
    """Let no character fail a command on a terminal that cannot show it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def show(text: str) -> None:
    """Print `text` and a newline; end silently by SIGPIPE, as `cat` does, if nobody reads it.

    Raises:
        ToolError: it cannot be written.
    """
    if sys.stdout is None:  # closed by the caller
        return
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
    except OSError as error:
        # What stays in the buffer would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ToolError(
            f"standard output cannot be written: {error.strerror}", fix="write it elsewhere"
        ) from None


def terminal_width() -> int | None:
    """Columns of the terminal that shows the output, None where it goes to a file or a pipe."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    return max(40, shutil.get_terminal_size().columns)


def describe(error: OSError) -> str:
    """`/data/x: No space left on device`."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason
