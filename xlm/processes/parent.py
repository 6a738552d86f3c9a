"""Lets a process die with its parent, however that ends.

A training process needs this if the user starts it with torchrun. Torchrun starts its workers in
their own sessions, so they would continue after SIGKILL to the process group of torchrun.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends (Linux; elsewhere nothing)."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended between the two calls
        os.kill(os.getpid(), signal.SIGKILL)
