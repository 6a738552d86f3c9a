"""What a person should see of a run (a wait, a verdict, a mend) as lines of the task's log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prefect import get_run_logger
from prefect.exceptions import MissingContextError

from xlm.engine.events import NoObserver
from xlm.engine.stage import Node


class NoticeLog(NoObserver):
    """An observer that writes notices into the log of the task run that they are about."""

    def noticed(self, node: Node, line: str) -> None:
        """Log the line; outside of a task there is no log."""
        try:
            get_run_logger().warning("%s %s", node, line)
        except MissingContextError:
            return


@contextmanager
def warnings_in_log() -> Iterator[None]:
    """Write the warnings of our code into the log of the task run that they come from."""
    ours, handler = logging.getLogger("xlm"), _TaskLog(logging.WARNING)
    ours.addHandler(handler)
    try:
        yield
    finally:
        ours.removeHandler(handler)


class _TaskLog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Log the line; outside of a run there is no log."""
        try:
            get_run_logger().warning("%s", record.getMessage())
        except MissingContextError:
            return
