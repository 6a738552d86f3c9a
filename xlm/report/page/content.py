"""What a report consists of: sections of notes, tables, charts, matrices and drawings.

The text in these is plain: `render.py` escapes it and removes secrets from its URLs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias


@dataclass(frozen=True)
class Note:
    """A paragraph."""

    text: str
    is_warning: bool = False


@dataclass(frozen=True)
class Code:
    """A command."""

    text: str


@dataclass(frozen=True)
class DataTable:
    """A table; the first column names its rows."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1
    """Number of columns that are aligned left."""


@dataclass(frozen=True)
class Tiles:
    """The figures that a reader looks for first: value and name."""

    tiles: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Chart:
    """An interactive chart of plotly. The page adds colours, fonts and margins."""

    title: str
    summary: str
    """What the chart shows, for those who do not see it; a table has the numbers."""
    traces: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    height: int
    """CSS pixels."""


@dataclass(frozen=True)
class Matrix:
    """Counts by row and column, shaded by their share of the row."""

    title: str
    labels: Sequence[str]
    counts: Sequence[Sequence[int]]
    corner: str


@dataclass(frozen=True)
class Matrices:
    """Several matrices next to each other, as many as fit."""

    matrices: Sequence[Matrix]


@dataclass(frozen=True)
class Box:
    """A stage in the drawing of the DAG; positions in CSS pixels."""

    name: str
    lines: Sequence[str]
    state: Literal["built", "cached", "input", "failed"]
    left: float
    top: float


@dataclass(frozen=True)
class Drawing:
    """The DAG, one box for each stage."""

    summary: str
    boxes: Sequence[Box]
    paths: Sequence[str]
    """Edges, as paths of SVG."""
    width: float
    height: float
    box_width: float
    box_height: float


@dataclass(frozen=True)
class Details:
    """Blocks that a reader opens by a click."""

    title: str
    blocks: Sequence["Block"]


Block: TypeAlias = Note | Code | DataTable | Tiles | Chart | Matrices | Drawing | Details


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading."""

    anchor: str
    title: str
    blocks: Sequence[Block]


_LONG_ROWS = 24


def folded(table: DataTable) -> Block:
    """The table, or a table that a reader opens if it is long."""
    if len(table.rows) <= _LONG_ROWS:
        return table
    return Details(f"{table.title} ({len(table.rows)} rows)", [table])
