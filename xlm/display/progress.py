"""The protocol by which stages report progress; a terminal or the UI renders it."""

from typing import Protocol


class Progress(Protocol):
    """Receives the progress of a running stage. Methods must be fast and thread-safe."""

    def update(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        """Report `done` of `total` units of work.

        Args:
            done: amount of work done.
            total: total amount of work; None if unknown.
            unit: name of the unit: `lines`, `updates`, `bytes`.
            note: more to show next to the numbers.
        """
        ...

    def show(self, name: str, document: str) -> None:
        """Show a Markdown document; it replaces an earlier one of the same name."""
        ...

    def log(self, line: str, *, repeats_progress: bool = False) -> None:
        """Add a line to the run's log; for long work, at most once a minute.

        Args:
            line: the line.
            repeats_progress: `update` has reported the same, for displays that show it.
        """
        ...


class NoProgress:
    """Discards all reports."""

    def update(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        """Ignore the report."""

    def show(self, name: str, document: str) -> None:
        """Ignore the document."""

    def log(self, line: str, *, repeats_progress: bool = False) -> None:
        """Ignore the line."""
