"""The extract-text stage: joins the user's own text of a language into one file of lines.

Blank lines are dropped. `text_lines.py` defines where a line ends and which encodings are refused.
A few lines with bad bytes are counted and kept.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from xlm.corpus.local_files import located
from xlm.corpus.text_files.compressed import open_plain
from xlm.corpus.text_files.text_lines import TextLines, open_text
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError

if TYPE_CHECKING:
    from xlm.config.data.own.parts import ExtractTextSlice, Part

log = logging.getLogger(__name__)

_PROGRESS_EVERY = 10_000


@dataclass
class _Counts:
    """Counts of the lines of a language."""

    files: int = 0
    lines: int = 0
    blank: int = 0
    not_utf8: int = 0
    with_nul: int = 0

    def as_manifest(self) -> dict[str, int]:
        """The counts under their names in the manifest."""
        return {
            "files": self.files,
            "lines": self.lines,
            "blank_lines": self.blank,
            "lines_not_utf8": self.not_utf8,
            "lines_with_nul": self.with_nul,
        }


def extract_text(context: "StageContext[ExtractTextSlice]") -> StageResult:
    """Write `text.txt`, one source after another.

    Raises:
        DataError: a file is damaged, is not UTF-8, has changed, or no line is left.
    """
    total = _Counts()
    by_source: dict[str, int] = {}
    context.out.mkdir(parents=True, exist_ok=True)
    with (context.out / "text.txt").open("w", encoding="utf-8", newline="\n") as target:
        for part in context.config.parts:
            before = total.lines
            for path in located(part.sides[0], context.inputs):
                _copy_file(context, part, path, target, total)
            by_source[f"lines.{part.name}"] = total.lines - before
    if total.lines == 0:
        raise DataError(
            f"{context.unit}: own text has no line that is not blank",
            fix="check sources.text of this language",
        )
    return StageResult(counts={**total.as_manifest(), **by_source})


def _copy_file(
    context: "StageContext[ExtractTextSlice]",
    part: "Part",
    path: Path,
    target: IO[str],
    total: _Counts,
) -> None:
    text = open_text(partial(open_plain, path), path.name, context.config.language)
    for line in _lines(text):
        if not line.strip():
            total.blank += 1
            continue
        target.write(f"{line}\n")
        total.lines += 1
        if total.lines % _PROGRESS_EVERY == 0:
            context.progress.update(total.lines, None, "lines", path.name)
    text.require_readable(context.config.max_bad_lines)
    total.files += 1
    total.not_utf8 += text.faults.not_utf8
    total.with_nul += text.faults.with_nul


def _lines(text: TextLines) -> Iterator[str]:
    return (text.decode(line) for line in text.lines())
