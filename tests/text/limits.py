"""How long a hundred kilobytes may take."""

import sys


def limit_seconds() -> float:
    """A second of CPU time; where coverage traces every line, what its work takes then."""
    return 1.0 if sys.gettrace() is None else 5.0
