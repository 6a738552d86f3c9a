"""The extract-text stage: joins the user's own text of a language into one file of lines.

The worker processes read the files, plain text in blocks; a small text is read here. Blank lines
are dropped. `text_lines.py` defines where a line ends and which encodings are refused. A few lines
with bad bytes are counted and kept; a few malformed rows are counted and left out.
"""

import platform
import shutil
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.corpus.local_files import located
from xlm.corpus.own_text.blocks import Block, ReadBlock, blocks_of, read_block
from xlm.corpus.tables.table import Table
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError

if TYPE_CHECKING:
    from xlm.config.data.own.parts import ExtractTextSlice

_SMALL_BYTES = 1 << 20
"""A worker takes as long to start as a megabyte takes to read."""


@dataclass
class _Counts:
    """Counts of the lines of a language."""

    files: int = 0
    lines: int = 0
    blank: int = 0
    not_utf8: int = 0
    with_nul: int = 0
    malformed: int = 0
    warnings: list[str] = field(default_factory=list)

    def add_faults(self, table: Table) -> None:
        """Add what is wrong with a file that was read to its end."""
        self.files += 1
        self.not_utf8 += table.text.faults.not_utf8
        self.with_nul += table.text.faults.with_nul
        self.malformed += table.malformed
        self.warnings += table.warnings()

    def as_manifest(self) -> dict[str, int]:
        """The counts under their names in the manifest."""
        return {
            "files": self.files,
            "lines": self.lines,
            "blank_lines": self.blank,
            "lines_not_utf8": self.not_utf8,
            "lines_with_nul": self.with_nul,
            "malformed_rows": self.malformed,
        }


@dataclass(frozen=True)
class _Job:
    """A block, and the file for its lines; for a worker process."""

    block: Block
    target: Path
    seen: tuple[int, int] | None
    """Size and modification time of the file here. A worker on another machine has to see it."""


def extract_text(context: "StageContext[ExtractTextSlice]") -> StageResult:
    """Write `text.txt`, one source after another.

    Raises:
        DataError: a file is damaged, is not UTF-8, lacks a column or has changed, or no line is
            left.
    """
    config = context.config
    for folder in (context.out, context.scratch):
        folder.mkdir(parents=True, exist_ok=True)
    total = _Counts()
    by_source = {f"lines.{part.name}": 0 for part in config.parts}
    text = context.out / "text.txt"
    text.write_bytes(b"")
    table: Table | None = None
    try:
        for job, read in _read(context):
            _append(job.target, text)
            if table is None:
                table = job.block.open()
            _add(table, read)
            total.lines += read.lines
            total.blank += read.blank
            by_source[f"lines.{job.block.part.name}"] += read.lines
            context.progress.update(total.lines, None, "lines", table.name)
            if job.block.is_last:
                table.require_readable(config.max_bad_lines)
                total.add_faults(table)
                table = None
    except FileNotFoundError:
        _require_unchanged(context)
        raise
    _require_unchanged(context)
    if total.lines == 0:
        raise DataError(
            f"{context.unit}: your text has no line that is not blank",
            fix="check sources.text of this language",
        )
    return StageResult(counts={**total.as_manifest(), **by_source}, warnings=total.warnings)


def _require_unchanged(context: "StageContext[ExtractTextSlice]") -> None:
    """Check that nobody wrote to a local file while it was read, or removed it.

    Raises:
        DataError: somebody did.
    """
    for part in context.config.parts:
        deque(located(part.sides[0], context.inputs), maxlen=0)


def _read(context: "StageContext[ExtractTextSlice]") -> Iterator[tuple[_Job, ReadBlock]]:
    """Read all blocks, in order."""
    paths = [
        (part, path)
        for part in context.config.parts
        for path in located(part.sides[0], context.inputs)
    ]
    blocks = [
        block for part, path in paths for block in blocks_of(part, path, context.config.language)
    ]
    jobs = [
        _Job(block, context.scratch / f"text.{number:05d}.txt", _seen(block.path))
        for number, block in enumerate(blocks)
    ]
    is_small = sum(path.stat().st_size for _, path in paths) < _SMALL_BYTES
    results = map(_run, jobs) if is_small else context.mapper.map(_run, jobs)
    yield from zip(jobs, results, strict=True)


def _run(job: _Job) -> ReadBlock:
    path = job.block.path
    if _seen(path) != job.seen:
        raise DataError(
            f"{path} on {platform.node()} is not the file that the run began with",
            fix="run again when nobody writes to it, or put it where all machines see it",
        )
    return read_block(job.block, job.target)


def _seen(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _append(part: Path, text: Path) -> None:
    with part.open("rb") as source, text.open("ab") as file:
        shutil.copyfileobj(source, file)
    part.unlink()


def _add(table: Table, read: ReadBlock) -> None:
    """Add what was found in a block of a file to what was found in those before."""
    table.text.faults.add(read.faults)
    table.malformed += read.malformed
    table.first_malformed = table.first_malformed or read.first_malformed
