"""Notices (a wait, a comparison, a repair) and warnings as lines of the task's log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prefect import get_run_logger
from prefect.exceptions import MissingContextError

from xlm.engine.events import NoObserver
from xlm.engine.stage import Node


class NoticeLog(NoObserver):
    """An observer that writes notices to the log of their task run."""

    def noticed(self, node: Node, line: str) -> None:
        """Log the line, if there is a task run."""
        try:
            get_run_logger().warning("%s %s", node, line)
        except MissingContextError:
            return


@contextmanager
def warnings_in_log() -> Iterator[None]:
    """Write warnings of our code to the log of the task run that they come from."""
    ours, handler = logging.getLogger("xlm"), _TaskLog(logging.WARNING)
    ours.addHandler(handler)
    try:
        yield
    finally:
        ours.removeHandler(handler)


class _TaskLog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Log the line, if there is a run."""
        try:
            get_run_logger().warning("%s", record.getMessage())
        except MissingContextError:
            return
