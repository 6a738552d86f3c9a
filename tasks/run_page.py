"""Tags and log lines on the page of a task run, while it runs."""

from prefect import get_run_logger
from prefect.context import TaskRunContext
from prefect.exceptions import MissingContextError
from prefect.states import Running
from prefect.utilities.engine import emit_task_run_state_change_event

from xlm.engine.events import NoObserver
from xlm.engine.stage import Node


class RunPage(NoObserver):
    """An observer that sends tags and log lines of running nodes to the server."""

    def started(self, node: Node) -> None:
        """Send the tags, which were set after the task had started (`stage_task.py`)."""
        context = TaskRunContext.get()
        if context is not None and context.task_run.state is not None:
            run = context.task_run
            emit_task_run_state_change_event(run, run.state, Running())

    def logged(self, node: Node, line: str, *, repeats_progress: bool) -> None:
        """Log a line at level info; training logs updates, losses, rates and the time left."""
        try:
            log = get_run_logger()
        except MissingContextError:
            return  # a thread outside of a task run has no log
        log.info("%s: %s", node, line)
