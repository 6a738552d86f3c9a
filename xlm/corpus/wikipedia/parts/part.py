"""Extracts one part of a dump in a worker process: reads, converts and writes its pages."""

from xlm.corpus.wikipedia.accounting import PageCounts
from xlm.corpus.wikipedia.documents import DocumentWriter
from xlm.corpus.wikipedia.pages import PageReader
from xlm.corpus.wikipedia.parts.cleaned_pages import PageConverter
from xlm.corpus.wikipedia.parts.report import PartReport
from xlm.corpus.wikipedia.parts.settings import PartSettings
from xlm.corpus.wikipedia.wikiextractor.extractor import BlockExtractor
from xlm.store.file_jobs import FileJob


def extract_part(job: FileJob) -> dict[str, int]:
    """Write the text, the report and, if the job has a third target, the table of documents.

    Raises:
        DataError: the dump is damaged.
        ToolError: wikiextractor fails.
    """
    settings = PartSettings(**job.options)
    (path,), (text, report_path, *tables) = job.sources, job.targets
    reader = PageReader(settings.dump(path), settings.part)
    counts = PageCounts()
    report = PartReport(last_id=settings.previous_id)
    converter = PageConverter if settings.engine == "builtin" else BlockExtractor
    table = tables[0] if tables else None
    with DocumentWriter(text, table, titles=settings.titles) as writer:
        converter(settings, writer, counts, report).extract(reader)
    counts.documents, counts.lines = writer.documents, writer.lines
    counts.missing_pages, counts.dropped_pages = len(report.missing), len(report.dropped)
    report.finish(reader)
    report.write(report_path)
    return dict(vars(counts))
