"""A run in the terminal: a live view where there is one, plain lines where output is piped."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from xlm.markdown import duration
from xlm.pipeline.observer import Finished
from xlm.stage import Node

_REFRESH_PER_SECOND = 4
_MARK = {
    "built": ("✓", "green"),
    "cached": ("=", "cyan"),
    "waited": ("=", "cyan"),
    "failed": ("✗", "red"),
    "blocked": ("-", "yellow"),
}


@dataclass
class _Running:
    began: float = field(default_factory=time.monotonic)
    done: float = 0.0
    total: float | None = None
    unit: str = ""
    note: str = ""

    def rate(self) -> float:
        elapsed = time.monotonic() - self.began
        return self.done / elapsed if elapsed > 0 else 0.0

    def seconds_left(self) -> float | None:
        rate = self.rate()
        return (self.total - self.done) / rate if self.total and rate else None


class LiveView:
    """An observer that draws; use as a context manager around the run."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._running: dict[Node, _Running] = {}
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._live = Live(
            get_renderable=self._render,
            console=console,
            refresh_per_second=_REFRESH_PER_SECOND,
            transient=True,
        )

    def __enter__(self) -> "LiveView":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()
        if self._counts:
            self._console.print(self._summary())

    def started(self, node: Node) -> None:
        """Show the node as running."""
        with self._lock:
            self._running[node] = _Running()

    def progressed(
        self, node: Node, done: float, total: float | None, unit: str, note: str
    ) -> None:
        """Move the node's bar."""
        with self._lock:
            if (row := self._running.get(node)) is not None:
                row.done, row.total, row.unit, row.note = done, total, unit, note

    def shown(self, node: Node, name: str, document: str) -> None:
        """A terminal has no room for documents: they are in the logs."""

    def finished(self, event: Finished) -> None:
        """Take the node off; print a line unless it was cached (those are only counted)."""
        with self._lock:
            self._running.pop(event.node, None)
            self._counts["cached" if event.status == "waited" else event.status] += 1
        if event.status == "cached":
            return
        mark, style = _MARK[event.status]
        line = Text(f"{mark} {event.node}", style=style)
        if event.status == "failed":
            line.append(f"  {event.detail}")
        elif event.status == "built":
            line.append(f"  {duration(event.seconds)}", style="dim")
        self._console.print(line, soft_wrap=True)

    def _render(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        with self._lock:
            for node, row in self._running.items():
                table.add_row(*_row(node, row))
            return Group(table, self._summary())

    def _summary(self) -> Text:
        counts = ", ".join(f"{count} {status}" for status, count in self._counts.items())
        elapsed = duration(time.monotonic() - self._began)
        return Text(f"{counts or 'starting'}  {elapsed}", style="bold")


def _row(node: Node, row: _Running) -> tuple[RenderableType, ...]:
    bar = ProgressBar(total=row.total, completed=row.done, width=24, pulse=row.total is None)
    done = f"{row.done:,.0f}" + (f"/{row.total:,.0f}" if row.total else "")
    left = row.seconds_left()
    return (
        Text(str(node)),
        bar,
        Text(f"{done} {row.unit}" if row.unit else ""),
        Text(f"{row.rate():,.0f}/s" if row.unit else "", style="dim"),
        Text(f"{duration(left)} left" if left is not None else "", style="dim"),
        Text(row.note, style="dim"),
    )
