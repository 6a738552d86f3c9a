"""How long work reports that it advances: one protocol, rendered by a terminal or by a UI."""

from typing import Protocol


class Progress(Protocol):
    """Receives the state of one running stage; must be cheap and safe to call from any thread."""

    def update(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        """Report `done` of `total` (None: unknown) in `unit` ("lines", "steps", "bytes")."""
        ...

    def show(self, name: str, document: str) -> None:
        """Show a document in Markdown, in the place of the last one of that name."""
        ...

    def log(self, line: str) -> None:
        """Add a line to the run's log; at most one a minute, for work that takes hours."""
        ...


class NoProgress:
    """Reports to nobody."""

    def update(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        """Ignore the report."""

    def show(self, name: str, document: str) -> None:
        """Ignore the document."""

    def log(self, line: str) -> None:
        """Ignore the line."""
