"""The error of a failed node in one line."""

import errno
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)


def failure_line(error: Exception, root: Path) -> str:
    """Return what went wrong and what to do about it, in one line."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return f"the disk of {root} is full; free some space and run again"
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return f"a file below {root} may not grow (ulimit -f); raise the limit and run again"
    if isinstance(error, PermissionError) or getattr(error, "errno", None) == errno.EROFS:
        return f"{error}; let this user write there (chown, chmod, mount) and run again"
    return " ".join(str(error).split()) or type(error).__name__
