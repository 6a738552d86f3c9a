"""Standard output of commands: any character can be printed, and the reader may go away."""

import errno
import logging
import os
import re
import shutil
import signal
import sys
from io import TextIOWrapper
from pathlib import Path

from xlm.errors import ConfigError, ToolError

_FIXES = {
    errno.EACCES: "check its owner and permissions",
    errno.EPERM: "check its owner and permissions",
    errno.ENOSPC: "free some space, or use another disk",
    errno.EDQUOT: "free some space, or use another disk",
    errno.EROFS: "use another folder",
    errno.EMFILE: "close other programs, or raise `ulimit -n`",
}
_LONG_WORD = re.compile(r"\S{300,}")


def print_anything() -> None:
    """Replace characters that the terminal cannot show, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def name_warnings() -> None:
    """Print every logged warning with the prefix `xlm: warning:`.

    This formats logging's last-resort handler, which is used only if no other handler is set up.
    """
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(logging.Formatter("xlm: warning: %(message)s"))


def printable(text: str) -> str:
    """`text` on one line: line ends and control characters, as in a hostile name, are escaped."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def show(text: str) -> None:
    """Print `text` and a newline; end silently by SIGPIPE, as `cat` does, if the reader is gone.

    Raises:
        ToolError: it cannot be written.
    """
    write(f"{text}\n")


def write(text: str) -> None:
    """Print `text` without a newline; else as `show`."""
    if sys.stdout is None:  # closed by the caller
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
    except OSError as error:
        # The rest of the buffer would fail again when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ToolError(
            f"standard output cannot be written: {error.strerror}",
            fix="write it elsewhere",
        ) from None


def counted(number: int, name: str) -> str:
    """`1 artifact`, `2 artifacts`."""
    return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"


def terminal_width() -> int | None:
    """Columns of the terminal; None if the output goes to a file or a pipe."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    return max(40, shutil.get_terminal_size().columns)


def shortened(text: str, most: int = 40) -> str:
    """A printable text of at most `most` characters, for a cell of a table."""
    text = printable(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def require_folder() -> None:
    """Refuse to work in a folder that was removed: relative paths mean nothing there.

    Raises:
        ConfigError: the current folder does not exist.
    """
    try:
        Path.cwd()
    except OSError as error:
        raise ConfigError(
            f"the current folder cannot be used: {error.strerror}", fix="change to another folder"
        ) from None


def one_line(text: str) -> str:
    """The text without line breaks; the middle of very long words is left out."""
    text = printable(" ".join(text.splitlines()))
    return _LONG_WORD.sub(lambda found: f"{found[0][:120]}...{found[0][-60:]}", text)


def describe(error: OSError) -> str:
    """`/data/x: Permission denied; check its owner and permissions`."""
    reason = error.strerror or str(error)
    what = f"{error.filename}: {reason}" if error.filename else reason
    return f"{what}; {_FIXES.get(error.errno or 0, 'check the path and its disk')}"
