"""Runs the command `wikiextractor` on a dump and reads the documents that it writes.

wikiextractor is a separate program under the AGPL: it runs as a process, exchanges files with us
and is never imported. It writes one JSON object per page. Its other format would be ambiguous:
with plain text (`--html-safe ''`, like the release of 2019 that XLM used) a page can contain a
false `<doc ...>` tag.

Workarounds for release 3.1.0:

* It hangs when a pipe closes early, so it writes into a directory.
* It drops articles with a title that begins with the name of the template namespace, so that
  namespace is renamed.
* It waits forever when one of its processes dies, so its log is watched.
* Its exit code does not report lost pages, so the caller counts them.
"""

import json
import math
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xlm.corpus.wikipedia.markup.verbatim import remove_marks
from xlm.errors import ToolError
from xlm.processes.child import ProcessResult
from xlm.processes.programs import run_process
from xlm.processes.tools import find_program

VERSION = "3.1.0"
RUN_PREFIX = "wikiextractor-"
"""Prefix of output directories; a killed run may leave one in the scratch directory."""
_VERSION_TIMEOUT_SECONDS = 60
_TERMINATE_SECONDS = 5.0
# The same bytes in every locale and process.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "PYTHONHASHSEED": "0"}
_TEMPLATE_NAMESPACE = re.compile(rb'(<namespace key="10"[^>]*>)[^<]+(</namespace>)')
_UNUSED_NAMESPACE = rb"\1XlmTemplateNamespace\2"
# The first line that multiprocessing prints when an exception ends a process.
_PROCESS_DIED = re.compile(r"Process \w*Process-[\d:]+:")


@dataclass(frozen=True, slots=True)
class ProgramDocument:
    """One document of wikiextractor's output."""

    id: str
    url: str
    title: str
    """With the escapes of the dump: `A &amp; B`."""
    lines: tuple[str, ...]
    """Paragraphs, headings and blank lines, without the title."""


@dataclass(frozen=True)
class Extracted:
    """Documents and the resources that the process used."""

    documents: Iterator[ProgramDocument]
    """In the order of the dump; the files exist only inside the `with` statement."""
    process: ProcessResult


class TooSlowError(ToolError):
    """wikiextractor exceeds the time limit of a block."""


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
) -> Iterator[Extracted]:
    """Run wikiextractor on a dump until it ends, then read its documents.

    Args:
        program: the result of `checked_program`.
        scratch: parent of a temporary directory for the output.
        log: the output of the program is appended to this file.
        timeout_seconds: time limit: the time that is left for the extraction.
        block_seconds: time limit for these pages.

    Raises:
        TooSlowError: the program takes longer than `block_seconds`.
        ToolError: the program fails, or takes longer than `timeout_seconds`.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    output = Path(tempfile.mkdtemp(prefix=RUN_PREFIX, dir=scratch))
    started = time.monotonic()

    def poll() -> None:
        if time.monotonic() - started > block_seconds:
            raise TooSlowError(f"wikiextractor took more than {block_seconds:,.0f} s")

    try:
        command = [str(program), str(dump), "-o", str(output), "-b", "1G", "-q"]
        command += ["--json", "--html-safe", ""]
        command += ["--processes", str(processes), *([] if templates else ["--no-templates"])]
        process = run_process(
            command,
            log_path=log,
            timeout_seconds=max(0.0, timeout_seconds),
            timeout_fix=f"see {log.name}; raise extract.timeout_seconds if it was still running",
            terminate_seconds=_TERMINATE_SECONDS,
            environment=_ENVIRONMENT,
            on_line=_LogWatcher().read,
            on_wait=poll,
        )
        yield Extracted(_documents(output), process)
    finally:
        shutil.rmtree(output, ignore_errors=True)


def rename_template_namespace(header: bytes) -> bytes:
    """Rename the template namespace in a dump's header, so that no title begins with its name."""
    return _TEMPLATE_NAMESPACE.sub(_UNUSED_NAMESPACE, header)


def checked_program(log: Path) -> Path:
    """Find the installed program and check its release; starts a new log.

    Raises:
        ToolError: it is missing, does not run, or has another release.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    program = find_program("wikiextractor")
    printed: list[str] = []
    try:
        run_process(
            [str(program), "--version"],
            log_path=log,
            timeout_seconds=_VERSION_TIMEOUT_SECONDS,
            environment=_ENVIRONMENT,
            on_line=printed.append,
        )
    except ToolError as error:
        raise ToolError(f"{program} does not run: {error.what}", fix="run `make setup`") from error
    release = printed[-1] if printed else "of unknown version"
    if release.split()[-1:] != [VERSION]:
        raise ToolError(
            f"{program} is {release}, not {VERSION}", fix=f"install wikiextractor=={VERSION}"
        )
    return program


class _LogWatcher:
    """Reads the log of the running program and stops it when one of its processes dies."""

    def __init__(self) -> None:
        self._died = False

    def read(self, line: str) -> None:
        """Read the next line.

        Raises:
            ToolError: the line is the exception that ended a process.
        """
        if _PROCESS_DIED.fullmatch(line.rstrip()):
            self._died = True
        elif self._died and line[:1].strip() and not line.startswith("Traceback"):
            raise ToolError(
                f"a process of wikiextractor died: {line.strip()}",
                fix="see wikiextractor.log; use another dump date (sources.wikipedia.date)",
            )


def _written(output: Path) -> list[Path]:
    """The output files AA/wiki_00, AA/wiki_01, ..., AB/wiki_00, ... in order."""
    return sorted(output.glob("*/wiki_*"))


def _documents(output: Path) -> Iterator[ProgramDocument]:
    for path in _written(output):
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            for line in file:
                yield _document(line)


def _document(line: str) -> ProgramDocument:
    try:
        record = json.loads(line)
        lines = tuple(remove_marks(record["text"]).split("\n"))
        return ProgramDocument(str(record["id"]), record["url"], record["title"], lines)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise ToolError(
            "wikiextractor's output is truncated: a line is not the JSON object of a page",
            fix="see wikiextractor.log; run again",
        ) from fault
