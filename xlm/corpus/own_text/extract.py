"""The extract-text stage: joins the user's own text of a language into one file of lines.

Blank lines are dropped. `text_lines.py` defines where a line ends and which encodings are refused.
A few lines with bad bytes are counted and kept; a few malformed rows are counted and left out.
"""

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from xlm.corpus.local_files import located
from xlm.corpus.tables.opening import open_table
from xlm.corpus.tables.table import Table
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError

if TYPE_CHECKING:
    from xlm.config.data.own.parts import ExtractTextSlice

_PROGRESS_EVERY = 10_000


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


def extract_text(context: "StageContext[ExtractTextSlice]") -> StageResult:
    """Write `text.txt`, one source after another.

    Raises:
        DataError: a file is damaged, is not UTF-8, lacks a column or has changed, or no line is
            left.
    """
    config = context.config
    total = _Counts()
    by_source: dict[str, int] = {}
    context.out.mkdir(parents=True, exist_ok=True)
    with (context.out / "text.txt").open("w", encoding="utf-8", newline="\n") as target:
        for part in config.parts:
            before = total.lines
            for path in located(part.sides[0], context.inputs):
                table = open_table(part, path, (config.language,))
                _copy(context, table, target, total)
                table.require_readable(config.max_bad_lines)
                total.add_faults(table)
            by_source[f"lines.{part.name}"] = total.lines - before
    if total.lines == 0:
        raise DataError(
            f"{context.unit}: your text has no line that is not blank",
            fix="check sources.text of this language",
        )
    return StageResult(counts={**total.as_manifest(), **by_source}, warnings=total.warnings)


def _copy(
    context: "StageContext[ExtractTextSlice]", table: Table, target: IO[str], total: _Counts
) -> None:
    """Append the lines of a file that are not blank."""
    for line in table.lines():
        if not line.strip():
            total.blank += 1
            continue
        target.write(f"{line}\n")
        total.lines += 1
        if total.lines % _PROGRESS_EVERY == 0:
            context.progress.update(total.lines, None, "lines", table.name)
