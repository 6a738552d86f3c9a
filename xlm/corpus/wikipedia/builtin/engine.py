"""The engine `builtin`: worker processes extract the parts of a dump and write one file for each.

No process lists the pages first or reads for the others, so a dump uses as many cores as there are
workers. A finished part leaves a record, and an interrupted stage continues with the others.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from xml.sax.saxutils import unescape

from xlm.config.data.extract import ExtractWikiSlice
from xlm.corpus.wikipedia.accounting import LostPages, PageCounts
from xlm.corpus.wikipedia.builtin.borders import check_borders, twins
from xlm.corpus.wikipedia.builtin.cuts import cut_dump
from xlm.corpus.wikipedia.builtin.part import PartSettings, extract_part
from xlm.corpus.wikipedia.builtin.report import PartReport
from xlm.corpus.wikipedia.dump_file import DumpFile, Part
from xlm.corpus.wikipedia.markup.prepare import date_in_name
from xlm.corpus.wikipedia.pages import PageReader
from xlm.engine.stage import FileJob, StageContext
from xlm.errors import ToolError

_NAMESPACE = re.compile(rb"<namespace\s[^<>]*>([^<]+)</namespace>")
_BASE = re.compile(rb"<base>\s*([^<]+?)[^/<]*</base>")
_ENTITIES = {"&quot;": '"', "&apos;": "'"}


def extract_in_parts(
    context: StageContext[ExtractWikiSlice], dump: DumpFile, lost: LostPages
) -> PageCounts:
    """Write a text file for each part of the dump, and a table of its documents if asked for.

    Raises:
        DataError: the dump is damaged.
        ToolError: the extraction takes longer than `timeout_seconds`.
    """
    parts = cut_dump(dump)
    settings = part_settings(context.config, dump)
    jobs = [part_job(context, dump, settings, part, number) for number, part in enumerate(parts)]
    deadline = time.monotonic() + context.config.timeout_seconds

    def check_time() -> None:
        if time.monotonic() > deadline:
            raise ToolError(
                f"{dump.path.name}: extraction did not end within "
                f"{context.config.timeout_seconds:,.0f} s",
                fix="run again, which continues with the parts that are left, or raise "
                "extract.timeout_seconds",
            )

    results = context.map_files(extract_part, jobs, on_done=check_time)
    reports = _reports(jobs)
    # No worker knows the last page of the part before, and the case is rare.
    if repeated := twins(reports):
        for number, last_id in repeated.items():
            with_id = replace(settings, previous_id=last_id)
            jobs[number] = part_job(context, dump, with_id, parts[number], number)
        results = context.map_files(extract_part, jobs, on_done=check_time)
        reports = _reports(jobs)
    check_borders(dump, parts, reports)
    return _total(jobs, results, lost)


def part_settings(config: ExtractWikiSlice, dump: DumpFile) -> PartSettings:
    """The settings of all parts, some of them from the header of the dump.

    Raises:
        DataError: the header or the first page is damaged.
    """
    reader = PageReader(dump)
    next(iter(reader), None)
    base = _BASE.search(reader.header)
    return PartSettings(
        start=0,
        end=None,
        is_bzip2=dump.is_bzip2,
        encoding=dump.encoding,
        language=config.language,
        dump_date=date_in_name(dump.path.name),
        variant=config.variant,
        namespaces=tuple(sorted({_decoded(name) for name in _NAMESPACE.findall(reader.header)})),
        page_url=f"{_decoded(base[1]).removesuffix('/') if base else ''}?curid=",
        titles=config.titles,
        page_seconds=config.page_seconds,
    )


def _decoded(text: bytes) -> str:
    return unescape(text.decode("utf-8"), _ENTITIES)


def part_job(
    context: StageContext[ExtractWikiSlice],
    dump: DumpFile,
    settings: PartSettings,
    part: Part,
    number: int,
) -> FileJob:
    targets = [
        context.out / f"text.{number:05}.txt",
        context.scratch / "reports" / f"{number:05}.json",
        *([context.out / f"documents.{number:05}.parquet"] if context.config.documents else []),
    ]
    return FileJob(
        name=f"text.{number:05}",
        sources=(dump.path,),
        targets=tuple(targets),
        options=asdict(replace(settings, start=part.start, end=part.end)),
    )


def _reports(jobs: Sequence[FileJob]) -> list[PartReport]:
    """The reports of the parts, without their lists of pages: those may be long."""
    return [replace(PartReport.read(_report_path(job)), missing=[], dropped=[]) for job in jobs]


def _report_path(job: FileJob) -> Path:
    return job.targets[1]


def _total(
    jobs: Sequence[FileJob], results: Sequence[dict[str, int]], lost: LostPages
) -> PageCounts:
    """Add up the counts and list the lost pages in the order of the dump."""
    counts = PageCounts()
    for job, result in zip(jobs, results, strict=True):
        counts.add(result)
        report = PartReport.read(_report_path(job))
        for page in report.missing:
            lost.missing(page)
        for page in report.dropped:
            lost.dropped(page)
    return counts
