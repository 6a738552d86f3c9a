"""The events of a run and the observers that receive them: a terminal, a UI, a log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from xlm.engine.stage import Node

Status = Literal["cached", "pruned", "pulled", "built", "waited", "failed", "blocked"]
"""`pruned`: its files were removed, and nothing in this run reads them. `pulled`: copied from the
remote store. `waited`: another run has built it meanwhile."""


@dataclass(frozen=True)
class Finished:
    """How a node ended. `seconds` is its wall time, `detail` its digest or its error in one line.

    `saved` marks training that stopped on request and saved its state: not a real failure.
    """

    node: Node
    status: Status
    seconds: float = 0.0
    detail: str = ""
    saved: bool = False


class Observer(Protocol):
    """Receives the events of nodes. Methods are called from many threads."""

    def expected(self, sizes: Mapping[Node, int]) -> None:
        """The run is going to download these nodes, with these bytes; called before it starts."""
        ...

    def started(self, node: Node) -> None:
        """The node's stage starts to run, or a pull begins; a cached node has no such event."""
        ...

    def progressed(
        self, node: Node, done: float, total: float | None, unit: str, note: str
    ) -> None:
        """The node's stage reports its progress."""
        ...

    def shown(self, node: Node, name: str, document: str) -> None:
        """The stage shows a Markdown document, which replaces the last one of that name."""
        ...

    def logged(self, node: Node, line: str, *, repeats_progress: bool) -> None:
        """The stage adds a line to the run's log, at most one a minute; see `Progress.log`."""
        ...

    def noticed(self, node: Node, line: str) -> None:
        """A line for people: a wait for another run, the result of a refresh, a rebuild."""
        ...

    def finished(self, event: Finished) -> None:
        """The node was built or cached, failed, or was not tried."""
        ...


class NoObserver:
    """Ignores every event."""

    def expected(self, sizes: Mapping[Node, int]) -> None:
        """Ignore."""

    def started(self, node: Node) -> None:
        """Ignore."""

    def progressed(
        self, node: Node, done: float, total: float | None, unit: str, note: str
    ) -> None:
        """Ignore."""

    def shown(self, node: Node, name: str, document: str) -> None:
        """Ignore."""

    def logged(self, node: Node, line: str, *, repeats_progress: bool) -> None:
        """Ignore."""

    def noticed(self, node: Node, line: str) -> None:
        """Ignore."""

    def finished(self, event: Finished) -> None:
        """Ignore."""


@dataclass(frozen=True)
class NodeProgress:
    """Passes the progress of one node on to the run's observer."""

    observer: Observer
    node: Node
    require_uninterrupted: Callable[[], None]

    def update(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        """Pass the progress on. Raises a `PipelineError` if the run was interrupted."""
        self.require_uninterrupted()
        self.observer.progressed(self.node, done, total, unit, note)

    def show(self, name: str, document: str) -> None:
        """Pass the document on."""
        self.observer.shown(self.node, name, document)

    def log(self, line: str, *, repeats_progress: bool = False) -> None:
        """Pass the line on."""
        self.observer.logged(self.node, line, repeats_progress=repeats_progress)


@dataclass(frozen=True)
class Observers:
    """Passes every event on to several observers."""

    members: Sequence[Observer]

    def expected(self, sizes: Mapping[Node, int]) -> None:
        """Pass on."""
        for member in self.members:
            member.expected(sizes)

    def started(self, node: Node) -> None:
        """Pass on."""
        for member in self.members:
            member.started(node)

    def progressed(
        self, node: Node, done: float, total: float | None, unit: str, note: str
    ) -> None:
        """Pass on."""
        for member in self.members:
            member.progressed(node, done, total, unit, note)

    def shown(self, node: Node, name: str, document: str) -> None:
        """Pass on."""
        for member in self.members:
            member.shown(node, name, document)

    def logged(self, node: Node, line: str, *, repeats_progress: bool) -> None:
        """Pass on."""
        for member in self.members:
            member.logged(node, line, repeats_progress=repeats_progress)

    def noticed(self, node: Node, line: str) -> None:
        """Pass on."""
        for member in self.members:
            member.noticed(node, line)

    def finished(self, event: Finished) -> None:
        """Pass on."""
        for member in self.members:
            member.finished(event)
