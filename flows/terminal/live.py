"""The view of a run: a live table on a terminal, plain lines in a pipe.

A pipe gets a line for each node that ends, the lines that stages log, and a line for each node that
was silent for half a minute, so that the reader sees that the run works.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from xlm.cli.output import one_line
from xlm.display.markdown import format_duration
from xlm.display.progress_rate import ProgressRate
from xlm.display.transfers import Transfers
from xlm.engine.events import Finished
from xlm.engine.stage import ALL, Node
from xlm.stages.data.download import DOWNLOAD

_REFRESH_PER_SECOND = 4
_SILENCE_SECONDS = 25.0
"""The longest silence about a running node in a pipe: a line comes within 30 seconds."""
_CHECK_SECONDS = 1.0
_BAR_WIDTH = 24
_TRANSFERS = Node(DOWNLOAD.name, ALL)
"""The name of the row of all transfers."""
_FACTS = ("done", "rate", "left", "note")
_COLUMNS = ("bar", *_FACTS)
_LEAST_NEEDED = ("note", "rate", "bar", "left", "done")
"""Columns that a narrow terminal leaves out, in this order."""
_MARK = {
    "built": ("✓", "green"),
    "cached": ("=", "cyan"),
    "pruned": ("=", "cyan"),
    "pulled": ("=", "cyan"),
    "waited": ("=", "cyan"),
    "failed": ("✗", "red"),
    "blocked": ("-", "yellow"),
}


class RunConsole(Console):
    """A console that outlives its reader: `xlm run | head` continues without output."""

    def on_broken_pipe(self) -> None:
        """Stop printing; Rich would end the thread that builds a node."""
        self.fall_silent()

    def fall_silent(self) -> None:
        """Stop printing, and discard what is in the buffer of the file."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


@dataclass
class _Running:
    began: float = field(default_factory=time.monotonic)
    last_line: float = field(default_factory=time.monotonic)
    done: float = 0.0
    total: float | None = None
    unit: str = ""
    note: str = ""
    progress_rate: ProgressRate = field(default_factory=ProgressRate)

    def facts(self) -> tuple[str, str, str, str]:
        """Amount done, rate, time left and note of the stage; empty if not known."""
        if not self.unit:
            return "", "", "", self.note
        done = f"{self.done:,.0f}" + (f"/{self.total:,.0f}" if self.total else "")
        rate, left = self.progress_rate.rate(), self.progress_rate.seconds_left(self.total)
        return (
            f"{done} {self.unit}",
            f"{_number(rate)}/s" if rate is not None else "",
            f"{format_duration(left)} left" if left is not None else "",
            self.note,
        )


@dataclass
class _Downloads(_Running):
    """The row of all transfers."""

    transfers: Transfers = field(default_factory=Transfers)

    def facts(self) -> tuple[str, str, str, str]:
        """Amount, rate, time left and number of files."""
        return self.transfers.facts()


class LiveView:
    """An observer that shows the run; use it as a context manager around the run.

    `remarks` are printed again with the summary, when the first lines have scrolled away.
    """

    def __init__(self, console: RunConsole, remarks: Sequence[str] = ()) -> None:
        self._console = console
        self._remarks = remarks
        self._running: dict[Node, _Running] = {}
        self._transfers = Transfers()
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._began = self._last_line = time.monotonic()
        self._end = threading.Event()
        self._printer = threading.Thread(target=self._print_overdue, daemon=True)
        self._live = Live(
            get_renderable=self._render,
            console=console,
            refresh_per_second=_REFRESH_PER_SECOND,
            transient=True,
        )

    def __enter__(self) -> "LiveView":
        if self._console.is_terminal:
            self._live.start()
        else:
            self._printer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()
        else:
            self._end.set()
            self._printer.join()
        if self._counts:
            self._print(self._summary())
            for remark in self._remarks:
                self._print(Text(f"! warning: {remark}", style="yellow"))

    def expected(self, sizes: Mapping[Node, int]) -> None:
        """Keep the sizes of downloads, for the total of all of them."""
        self._transfers.expect({str(node): size for node, size in sizes.items()})

    def started(self, node: Node) -> None:
        """Show the node as running; all downloads share one row."""
        with self._lock:
            if node.stage != DOWNLOAD.name:
                self._running[node] = _Running()
                return
            self._transfers.start(str(node))
            self._running.setdefault(_TRANSFERS, _Downloads(transfers=self._transfers))

    def progressed(
        self, node: Node, done: float, total: float | None, unit: str, note: str
    ) -> None:
        """Update the progress of the node."""
        now = time.monotonic()
        with self._lock:
            if node.stage == DOWNLOAD.name and (row := self._running.get(_TRANSFERS)) is not None:
                self._transfers.update(str(node), done, total, unit, now)
                row.done, row.total = self._transfers.amounts()
            elif (row := self._running.get(node)) is not None:
                row.done, row.total, row.unit, row.note = done, total, unit, note
                row.progress_rate.report(now, done)

    def shown(self, node: Node, name: str, document: str) -> None:
        """Ignore documents; they are in the logs."""

    def logged(self, node: Node, line: str, *, repeats_progress: bool) -> None:
        """Print the line, except on a terminal if the live table shows the same."""
        with self._lock:
            if (row := self._running.get(node)) is not None:
                row.last_line = time.monotonic()
        if not (repeats_progress and self._console.is_terminal):
            self._print(Text(f"  {node}  {line}"))

    def noticed(self, node: Node, line: str) -> None:
        """Print the line, also on a terminal."""
        self._print(Text(f"! {node}  {line}", style="yellow"))

    def answered(self, line: str) -> None:
        """Print what a key that was pressed does; call it from a signal handler, too.

        A line that went around the live table would be drawn over. Another thread prints it,
        because the signal may have interrupted this one while it printed.
        """
        threading.Thread(target=self._print, args=(Text(line),), daemon=True).start()

    def warned(self, line: str) -> None:
        """Print a warning that is not about a node."""
        self._print(Text(f"! warning: {one_line(line)}", style="yellow"))

    def finished(self, event: Finished) -> None:
        """Remove the node; print a line unless it was cached (those are only counted)."""
        with self._lock:
            self._running.pop(event.node, None)
            if event.node.stage == DOWNLOAD.name:
                self._transfers.finish(str(event.node))
                if not self._transfers.are_running:
                    self._running.pop(_TRANSFERS, None)
            counted = "cached" if event.status in ("waited", "pruned") else event.status
            self._counts[counted] += 1
        if event.status in ("cached", "pruned"):
            return
        mark, style = _MARK[event.status]
        line = Text(f"{mark} {event.node}", style=style)
        if event.status == "failed":
            line.append(f"  {event.detail}")
        elif event.status == "pulled":
            line.append("  pulled", style="dim")
        elif event.status == "built":
            line.append(f"  {format_duration(event.seconds)}", style="dim")
        self._print(line)

    def _print(self, line: Text) -> None:
        self._last_line = time.monotonic()
        try:
            self._console.print(line, soft_wrap=True)
        except OSError:  # such as a full disk: printing must not end the run
            self._console.fall_silent()

    def _print_overdue(self) -> None:
        while not self._end.wait(_CHECK_SECONDS):
            for line in self._overdue(time.monotonic()):
                self._print(line)

    def _overdue(self, now: float) -> list[Text]:
        """A line for each node that was silent too long, or one for a run that waits."""
        lines = []
        with self._lock:
            for node, row in self._running.items():
                if now - row.last_line >= _SILENCE_SECONDS:
                    row.last_line = now
                    facts = [fact for fact in row.facts() if fact]
                    lines.append(
                        Text("  ".join((f"  {node}", format_duration(now - row.began), *facts)))
                    )
            if not lines and now - self._last_line >= _SILENCE_SECONDS:
                lines.append(self._summary())
        return lines

    def _render(self) -> RenderableType:
        with self._lock:
            return Group(_table(self._running, self._console.width), self._summary())

    def _summary(self) -> Text:
        counts = ", ".join(f"{count} {status}" for status, count in self._counts.items())
        elapsed = format_duration(time.monotonic() - self._began)
        return Text(f"{counts or 'starting'}  {elapsed}", style="bold")


def _table(running: Mapping[Node, _Running], width: int) -> Table:
    """A row for each node, with the columns that fit: nothing is cut or wrapped."""
    facts = {node: row.facts() for node, row in running.items()}
    widths = dict(zip(_FACTS, _widths(facts.values()), strict=True)) | {"bar": _BAR_WIDTH}
    name_width = max((len(str(node)) for node in running), default=0)
    shown = [name for name in _COLUMNS if widths[name]]
    for name in _LEAST_NEEDED:
        if name_width + sum(widths[one] + 1 for one in shown) > width and name in shown:
            shown.remove(name)
    table = Table.grid(padding=(0, 1))
    for node, row in running.items():
        cells: dict[str, RenderableType] = {
            name: Text(fact, style="" if name == "done" else "dim")
            for name, fact in zip(_FACTS, facts[node], strict=True)
        }
        cells["bar"] = ProgressBar(
            total=row.total, completed=row.done, width=_BAR_WIDTH, pulse=row.total is None
        )
        table.add_row(Text(str(node)), *(cells[name] for name in shown))
    return table


def _widths(rows: Iterable[tuple[str, ...]]) -> list[int]:
    columns = list(zip(*rows, strict=True)) or [()] * len(_FACTS)
    return [max(map(len, column), default=0) for column in columns]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
