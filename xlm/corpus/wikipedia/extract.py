"""The extract-wiki stage: converts a dump to documents and to XLM's lines of text."""

import math
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from xlm.config.data.extract import ExtractWikiSlice
from xlm.corpus.sources.downloaded_files import sole_file
from xlm.corpus.wikipedia.blocks import Block, read_blocks
from xlm.corpus.wikipedia.markup.prepare import Preparation, date_in_name
from xlm.corpus.wikipedia.pages import PageReader
from xlm.corpus.wikipedia.wikiextractor import RUN_PREFIX
from xlm.corpus.wikipedia.writer import DocumentWriter, OutputFiles, PageCounts
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError, ToolError
from xlm.processes.prefetch import Prefetcher

_MISSING_LOG = "missing_pages.tsv"
_DROPPED_LOG = "dropped_pages.tsv"
_BLOCK_BYTES = 16 << 20
"""Share of a block per process: large enough that starting the program costs little."""
_MAX_BLOCK_BYTES = 64 << 20


def extract_wikipedia(context: StageContext[ExtractWikiSlice], download: Path) -> StageResult:
    """Write `documents.jsonl` and `text.txt` into `context.out`, and lost pages into the logs.

    Raises:
        DataError: the dump is damaged or contains no article.
        ToolError: wikiextractor fails, or loses more pages than `missing_pages` allows.
    """
    dump = sole_file(download, "*.xml.bz2")
    for folder in (context.out, context.scratch, context.logs):
        folder.mkdir(parents=True, exist_ok=True)
    for leftover in context.scratch.glob(f"{RUN_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    counts = PageCounts()
    with ExitStack() as stack:
        writer = DocumentWriter(context, counts, _open_files(context, stack))
        stopped = threading.Event()
        blocks = _blocks(context.config, dump, context.workers, lambda: not stopped.is_set())
        # The next block is prepared while wikiextractor processes this one.
        with Prefetcher(blocks, stop=stopped.set) as prefetched:
            for block in prefetched:
                for entry in block.entries:
                    counts.count(entry.page)
                writer.extract(block)
        counts.cpu_seconds += prefetched.cpu_seconds
    if counts.articles == 0:
        raise DataError(
            f"{dump.name}: contains no article of {context.config.language}",
            fix="raise sources.wikipedia.head_bytes, or choose another date",
        )
    _check_missing(context, dump, counts)
    return _result(context, counts)


def _open_files(context: StageContext[ExtractWikiSlice], stack: ExitStack) -> OutputFiles:
    missing, dropped, records, text = (
        stack.enter_context(path.open("w", encoding="utf-8", newline="\n"))
        for path in (
            context.logs / _MISSING_LOG,
            context.logs / _DROPPED_LOG,
            context.out / "documents.jsonl",
            context.out / "text.txt",
        )
    )
    return OutputFiles(missing, dropped, records, text)


def _blocks(
    config: ExtractWikiSlice, dump: Path, processes: int, keep_going: Callable[[], bool]
) -> Iterator[Block]:
    preparation = Preparation(
        language=config.language,
        dump_date=date_in_name(dump.name),
        variant=config.variant,
        templates=config.templates,
    )
    block_bytes = min(_BLOCK_BYTES * processes, _MAX_BLOCK_BYTES)
    # Any page may use any template, so with templates all pages are in one block.
    return read_blocks(
        PageReader(dump), preparation, math.inf if config.templates else block_bytes, keep_going
    )


def _result(context: StageContext[ExtractWikiSlice], counts: PageCounts) -> StageResult:
    for name, count in ((_MISSING_LOG, counts.missing), (_DROPPED_LOG, counts.dropped)):
        if count == 0:
            (context.logs / name).unlink()
    return StageResult(
        counts={
            "articles": counts.articles,
            "redirects": counts.redirects,
            "other_namespaces": counts.other_namespaces,
            "documents": counts.documents,
            "missing_pages": counts.missing,
            "dropped_pages": counts.dropped,
            "lines": counts.lines,
        },
        measured={
            "cpu_seconds": counts.cpu_seconds,
            "peak_memory_bytes": counts.peak_memory_bytes,
        },
    )


def _check_missing(context: StageContext[ExtractWikiSlice], dump: Path, counts: PageCounts) -> None:
    allowed = max(1, int(counts.articles * context.config.missing_pages))
    if counts.missing > allowed:
        pages = ", ".join(f"{page.title!r} ({page.id})" for page in counts.first_missing)
        raise ToolError(
            f"{dump.name}: wikiextractor lost {counts.missing:,} of {counts.articles:,} "
            f"articles ({allowed:,} allowed); first: {pages}",
            fix="see wikiextractor.log; run again, or raise extract.missing_pages",
        )
