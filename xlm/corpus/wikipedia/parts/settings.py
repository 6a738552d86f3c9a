"""What a worker must know to extract a part of a dump."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xlm.corpus.wikipedia.dump_file import DumpFile, Part


@dataclass(frozen=True, kw_only=True)
class PartSettings:
    """Everything but the input and the outputs that determines how a part is extracted."""

    engine: Literal["builtin", "wikiextractor"]
    is_bzip2: bool
    encoding: Literal["utf-8", "utf-16"]
    language: str
    dump_date: str | None
    variant: str
    titles: Literal["plain", "original"]
    templates: bool
    page_seconds: float
    timeout_seconds: float
    header: str
    """The XML of the dump before its first page."""
    program: str = ""
    """Path of the program, if the engine is one."""
    processes: int = 1
    """Processes of the program: one, because other workers have parts of their own."""
    start: int = 0
    end: int | None = None
    scratch: str = ""
    """A directory that only this part uses."""
    log: str = ""
    """The log of the program."""
    previous_id: str = ""
    """The id of the last article before the part, if the first one of the part has it too."""

    @property
    def part(self) -> Part:
        """The range of the file."""
        return Part(self.start, self.end)

    def dump(self, path: Path) -> DumpFile:
        """The dump at this path."""
        return DumpFile(path, is_bzip2=self.is_bzip2, encoding=self.encoding)
