"""The engine `wikiextractor`: runs the program on one block of pages after another."""

import math
import shutil
import threading
from collections.abc import Callable, Iterator

from xlm.config.data.extract import ExtractWikiSlice
from xlm.corpus.wikipedia.accounting import LostPages, PageCounts, Usage
from xlm.corpus.wikipedia.documents import DocumentWriter
from xlm.corpus.wikipedia.dump_file import DumpFile
from xlm.corpus.wikipedia.markup.prepare import Preparation, date_in_name
from xlm.corpus.wikipedia.pages import PageReader
from xlm.corpus.wikipedia.wikiextractor.blocks import Block, read_blocks
from xlm.corpus.wikipedia.wikiextractor.command import RUN_PREFIX
from xlm.corpus.wikipedia.wikiextractor.extractor import BlockExtractor
from xlm.engine.stage import StageContext
from xlm.processes.prefetch import Prefetcher

_BLOCK_BYTES = 16 << 20
"""Share of a block per process: large enough that starting the program costs little."""
_MAX_BLOCK_BYTES = 64 << 20


def extract_with_program(
    context: StageContext[ExtractWikiSlice], dump: DumpFile, lost: LostPages, usage: Usage
) -> PageCounts:
    """Write the text of the dump to one file, and a table of its documents if asked for.

    Raises:
        DataError: the dump is damaged.
        ToolError: wikiextractor fails or takes too long.
    """
    for leftover in context.scratch.glob(f"{RUN_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    counts = PageCounts()
    table = context.out / "documents.00000.parquet" if context.config.documents else None
    text = context.out / "text.00000.txt"
    with DocumentWriter(text, table, titles=context.config.titles) as writer:
        extractor = BlockExtractor(context, counts, writer, lost, usage)
        stopped = threading.Event()
        blocks = _blocks(context.config, dump, context.workers, lambda: not stopped.is_set())
        # The next block is prepared while wikiextractor processes this one.
        with Prefetcher(blocks, stop=stopped.set) as prefetched:
            for block in prefetched:
                for entry in block.entries:
                    counts.count(entry.page)
                extractor.extract(block)
        usage.cpu_seconds += prefetched.cpu_seconds
    counts.documents, counts.lines = writer.documents, writer.lines
    return counts


def _blocks(
    config: ExtractWikiSlice, dump: DumpFile, processes: int, keep_going: Callable[[], bool]
) -> Iterator[Block]:
    preparation = Preparation(
        language=config.language,
        dump_date=date_in_name(dump.path.name),
        variant=config.variant,
        templates=config.templates,
    )
    block_bytes = min(_BLOCK_BYTES * processes, _MAX_BLOCK_BYTES)
    # Any page may use any template, so with templates all pages are in one block.
    return read_blocks(
        PageReader(dump), preparation, math.inf if config.templates else block_bytes, keep_going
    )
