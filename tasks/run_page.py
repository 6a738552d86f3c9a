"""What the page of a task run shows while it runs: its tags, and lines in its log."""

from prefect import get_run_logger
from prefect.context import TaskRunContext
from prefect.exceptions import MissingContextError
from prefect.states import Running
from prefect.utilities.engine import emit_task_run_state_change_event

from xlm.engine.events import NoObserver
from xlm.engine.stage import Node


class RunPage(NoObserver):
    """An observer that tells the server more about nodes that are being built."""

    def started(self, node: Node) -> None:
        """Send the tags, which were set after the task had entered its state (stage_task.py)."""
        context = TaskRunContext.get()
        if context is not None and context.task_run.state is not None:
            run = context.task_run
            emit_task_run_state_change_event(run, run.state, Running())

    def logged(self, node: Node, line: str) -> None:
        """Log a line (training: update, losses, rate, time left) at level info."""
        try:
            log = get_run_logger()
        except MissingContextError:
            return  # A thread that belongs to no task run has no log.
        log.info("%s: %s", node, line)
