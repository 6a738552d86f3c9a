"""The extract-wiki stage: converts a dump to XLM's lines of text, and to documents on request."""

from pathlib import Path

from xlm.config.data.extract import ExtractWikiSlice
from xlm.corpus.sources.downloaded_files import sole_file
from xlm.corpus.wikipedia.accounting import LostPages, Usage, require_few_missing
from xlm.corpus.wikipedia.dump_file import DumpFile
from xlm.corpus.wikipedia.parts.extraction import extract_in_parts
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError


def extract_wikipedia(context: StageContext[ExtractWikiSlice], download: Path) -> StageResult:
    """Write `text.00000.txt`, ... into `context.out`, and articles without text into the logs.

    With `extract.documents`, also write `documents.00000.parquet`, ...

    Raises:
        DataError: the dump is damaged or contains no article.
        ToolError: wikiextractor fails, the extraction takes too long, or it loses more pages than
            `missing_pages` allows.
    """
    config = context.config
    dump = DumpFile.open(sole_file(download, "*.xml*"))
    for folder in (context.out, context.scratch, context.logs):
        folder.mkdir(parents=True, exist_ok=True)
    usage = Usage()
    with LostPages(context.logs) as lost:
        counts = extract_in_parts(context, dump, lost, usage)
    name = dump.path.name
    if counts.articles == 0:
        raise DataError(
            f"{name}: contains no article of {config.language}",
            fix="raise sources.wikipedia.head_bytes, or choose another date",
        )
    require_few_missing(name, config.engine, counts, lost, config.missing_pages)
    return StageResult(counts=vars(counts), measured=vars(usage))
