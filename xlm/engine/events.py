"""Who watches a run: a terminal, a UI, or nobody."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from xlm.engine.stage import Node

Status = Literal["cached", "built", "waited", "failed", "blocked"]


@dataclass(frozen=True)
class Finished:
    """How one node ended. `seconds` is its wall time, `detail` a digest or the error's line.

    `saved` is of a failure that is none: training that was asked to stop and has saved its state.
    """

    node: Node
    status: Status
    seconds: float = 0.0
    detail: str = ""
    saved: bool = False


class Observer(Protocol):
    """Receives what happens to nodes; called from many threads."""

    def started(self, node: Node) -> None:
        """The node is being built (not only looked up)."""
        ...

    def progressed(
        self, node: Node, done: float, total: float | None, unit: str, note: str
    ) -> None:
        """The node's stage reports its progress."""
        ...

    def shown(self, node: Node, name: str, document: str) -> None:
        """The node's stage shows a document, in Markdown, in the place of the last of that name."""
        ...

    def logged(self, node: Node, line: str) -> None:
        """The node's stage adds a line to the run's log, at most one a minute."""
        ...

    def noticed(self, node: Node, line: str) -> None:
        """Something that a person should see: a wait for another run, a verdict, a mend."""
        ...

    def finished(self, event: Finished) -> None:
        """The node was built, was cached, failed, or was not tried."""
        ...


class NoObserver:
    """Watches nothing."""

    def started(self, node: Node) -> None:
        """Ignore."""

    def progressed(
        self, node: Node, done: float, total: float | None, unit: str, note: str
    ) -> None:
        """Ignore."""

    def shown(self, node: Node, name: str, document: str) -> None:
        """Ignore."""

    def logged(self, node: Node, line: str) -> None:
        """Ignore."""

    def noticed(self, node: Node, line: str) -> None:
        """Ignore."""

    def finished(self, event: Finished) -> None:
        """Ignore."""


@dataclass(frozen=True)
class NodeProgress:
    """The `Progress` of one node, passed on to the run's observer."""

    observer: Observer
    node: Node
    require_uninterrupted: Callable[[], None]

    def update(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        """Pass the report on under the node's name; raises where the run was interrupted."""
        self.require_uninterrupted()
        self.observer.progressed(self.node, done, total, unit, note)

    def show(self, name: str, document: str) -> None:
        """Pass the document on under the node's name."""
        self.observer.shown(self.node, name, document)

    def log(self, line: str) -> None:
        """Pass the line on under the node's name."""
        self.observer.logged(self.node, line)


@dataclass(frozen=True)
class Observers:
    """Several observers as one."""

    members: Sequence[Observer]

    def started(self, node: Node) -> None:
        """Tell all."""
        for member in self.members:
            member.started(node)

    def progressed(
        self, node: Node, done: float, total: float | None, unit: str, note: str
    ) -> None:
        """Tell all."""
        for member in self.members:
            member.progressed(node, done, total, unit, note)

    def shown(self, node: Node, name: str, document: str) -> None:
        """Tell all."""
        for member in self.members:
            member.shown(node, name, document)

    def logged(self, node: Node, line: str) -> None:
        """Tell all."""
        for member in self.members:
            member.logged(node, line)

    def noticed(self, node: Node, line: str) -> None:
        """Tell all."""
        for member in self.members:
            member.noticed(node, line)

    def finished(self, event: Finished) -> None:
        """Tell all."""
        for member in self.members:
            member.finished(event)
