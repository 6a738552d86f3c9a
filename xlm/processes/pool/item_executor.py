"""What the engine needs of an executor: calls in other processes, of this machine or of others."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, Protocol, TypeVar

Parameters = ParamSpec("Parameters")
ResultT = TypeVar("ResultT")


class ItemExecutor(Protocol):
    """Runs calls in processes that end with the driver; a process that dies fails its call only.

    `executor.py` has the processes of this machine, `xlm/cluster/dask` those of a cluster.
    """

    advice: str
    """What a user can do about a call that kills its process."""

    @property
    def workers(self) -> int:
        """How many calls can run at the same time; it may change during a run."""
        ...

    def submit(
        self,
        function: Callable[Parameters, ResultT],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Future[ResultT]:
        """Run `function` in one of the processes.

        The future fails with a `BrokenExecutor` if that process dies.
        """
        ...

    def run_alone(
        self,
        function: Callable[Parameters, ResultT],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> ResultT:
        """Run `function` in a new process while no other call of this kind runs.

        Raises:
            BrokenExecutor: the process died.
        """
        ...

    def driver_lives(self) -> Callable[[], bool]:
        """A function for the processes: whether the driver that sent a call still runs."""
        ...
