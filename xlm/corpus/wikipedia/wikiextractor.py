"""Runs the command `wikiextractor` on a dump and reads the documents that it wrote.

It is a program of its own (AGPL): started as a process, spoken to through files, never imported.
It writes one JSON object per page: in its other format a page can hold a false `<doc ...>` tag,
because the text is plain (`--html-safe ''`, as the release of 2019 that XLM used wrote it).
Habits of release 3.1.0 that are met here: it hangs when a pipe closes early (so it writes into a
directory), it drops articles whose title begins with the name of the template namespace (so that
namespace is renamed), it waits for ever for a process of its own that died (so its log is watched),
and its exit code does not tell of lost pages (so the caller counts them).
"""

import json
import math
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xlm.corpus.wikipedia.markup.verbatim import without_marks
from xlm.errors import ToolError
from xlm.processes.child import ProcessResult
from xlm.processes.programs import run_process
from xlm.processes.tools import find_program

VERSION = "3.1.0"
RUN_PREFIX = "wikiextractor-"
"""Of the directories that a killed run may leave in its scratch directory."""
_VERSION_TIMEOUT_SECONDS = 60
_TERMINATE_SECONDS = 5.0
# The same bytes in every locale and process.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "PYTHONHASHSEED": "0"}
_TEMPLATE_NAMESPACE = re.compile(rb'(<namespace key="10"[^>]*>)[^<]+(</namespace>)')
_NO_TITLE_BEGINS_SO = rb"\1XlmTemplateNamespace\2"
# How multiprocessing begins to tell of an exception that ended a process.
_PROCESS_DIED = re.compile(r"Process \w*Process-[\d:]+:")


@dataclass(frozen=True, slots=True)
class Document:
    """One document as the program wrote it."""

    id: str
    url: str
    title: str
    """With the entities of the dump: `A &amp; B`."""
    lines: tuple[str, ...]
    """Paragraphs, headings and blank lines, without the title."""


@dataclass(frozen=True)
class Extracted:
    """What the program wrote, and what it took."""

    documents: Iterator[Document]
    """In the order of the dump; read from files that are there as long as the context is."""
    process: ProcessResult


class TooSlowError(ToolError):
    """The program worked longer on some pages than it may."""


@contextmanager
def extract_documents(
    program: Path,
    dump: Path,
    *,
    scratch: Path,
    log: Path,
    templates: bool,
    processes: int,
    timeout_seconds: float,
    block_seconds: float = math.inf,
    on_poll: Callable[[int], None] = lambda written_bytes: None,
) -> Iterator[Extracted]:
    """Run the program on a dump to its end, then read its documents.

    Args:
        program: what `checked_program` found.
        scratch: gets a directory of its own for the output of this run.
        log: what the program says is appended.
        timeout_seconds: what is left of the whole extraction's time.
        block_seconds: what these pages may take.
        on_poll: called while the program runs, with the bytes that it has written.

    Raises:
        TooSlowError: the program took longer than `block_seconds`.
        ToolError: the program fails, or takes longer than `timeout_seconds`.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    output = Path(tempfile.mkdtemp(prefix=RUN_PREFIX, dir=scratch))
    started = time.monotonic()

    def poll() -> None:
        if time.monotonic() - started > block_seconds:
            raise TooSlowError(f"wikiextractor works for more than {block_seconds:,.0f} s")
        on_poll(sum(path.stat().st_size for path in _written(output)))

    try:
        command = [str(program), str(dump), "-o", str(output), "-b", "1G", "-q"]
        command += ["--json", "--html-safe", ""]
        command += ["--processes", str(processes), *([] if templates else ["--no-templates"])]
        process = run_process(
            command,
            log_path=log,
            timeout_seconds=max(0.0, timeout_seconds),
            timeout_fix=f"see {log.name}; raise extract.timeout_seconds if it was still working",
            terminate_seconds=_TERMINATE_SECONDS,
            environment=_ENVIRONMENT,
            on_line=_Watch().read,
            on_wait=poll,
        )
        yield Extracted(_documents(output), process)
    finally:
        shutil.rmtree(output, ignore_errors=True)


def rename_template_namespace(header: bytes) -> bytes:
    """The header of a dump in which no title begins with the template namespace's name."""
    return _TEMPLATE_NAMESPACE.sub(_NO_TITLE_BEGINS_SO, header)


def checked_program(log: Path) -> Path:
    """The installed program, of the release that is known here; begins a new log.

    Raises:
        ToolError: it is missing, does not run, or is of another release.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    program = find_program("wikiextractor")
    said: list[str] = []
    try:
        run_process(
            [str(program), "--version"],
            log_path=log,
            timeout_seconds=_VERSION_TIMEOUT_SECONDS,
            environment=_ENVIRONMENT,
            on_line=said.append,
        )
    except ToolError as error:
        raise ToolError(
            f"{program} does not run: {error.what}", fix="run the set-up again"
        ) from error
    release = said[-1] if said else "of unknown version"
    if release.split()[-1:] != [VERSION]:
        raise ToolError(
            f"{program} is {release}, not {VERSION}", fix=f"install wikiextractor=={VERSION}"
        )
    return program


class _Watch:
    """Reads the log of a running program and ends it when one of its processes died."""

    def __init__(self) -> None:
        self._died = False

    def read(self, line: str) -> None:
        """Take the next line.

        Raises:
            ToolError: it names the exception that ended a process.
        """
        if _PROCESS_DIED.fullmatch(line.rstrip()):
            self._died = True
        elif self._died and line[:1].strip() and not line.startswith("Traceback"):
            raise ToolError(
                f"a process of wikiextractor died: {line.strip()}",
                fix="see wikiextractor.log; extract this language from another dump date meanwhile",
            )


def _written(output: Path) -> list[Path]:
    """The files AA/wiki_00, AA/wiki_01, ..., AB/wiki_00, ... in their order."""
    return sorted(output.glob("*/wiki_*"))


def _documents(output: Path) -> Iterator[Document]:
    for path in _written(output):
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            for line in file:
                yield _document(line)


def _document(line: str) -> Document:
    try:
        record = json.loads(line)
        lines = tuple(without_marks(record["text"]).split("\n"))
        return Document(str(record["id"]), record["url"], record["title"], lines)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise ToolError(
            "wikiextractor's output is cut: a line is not the JSON object of a page",
            fix="see wikiextractor.log; run again",
        ) from fault
