"""Builds several nodes at the same time in threads of one node that needs all of them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from xlm.engine.stage import Node

_AT_ONCE = 64
"""Most of them wait for a slot of the run, which limits the cores in use."""


def in_threads(build: Callable[[Node], object], nodes: Sequence[Node]) -> None:
    """Call `build` for each node, all at the same time, and wait for all of them.

    Raises:
        XlmError: that of the first node, in order, that failed.
    """
    if len(nodes) < 2:
        for node in nodes:
            build(node)
        return
    with ThreadPoolExecutor(min(_AT_ONCE, len(nodes)), thread_name_prefix="restore") as pool:
        futures = [pool.submit(copy_context().run, build, node) for node in nodes]
    for future in futures:
        future.result()
