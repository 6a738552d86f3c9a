"""Extracts a dump in parts: worker processes convert them and write one file for each.

No process lists the pages first or reads for the others, so a dump uses as many cores as there are
workers, and all languages share them. A finished part leaves a record, and an interrupted stage
continues with the others.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from xlm.config.data.extract import ExtractWikiSlice
from xlm.corpus.wikipedia.accounting import LostPages, PageCounts, Usage
from xlm.corpus.wikipedia.dump_file import WHOLE, DumpFile, Part
from xlm.corpus.wikipedia.markup.prepare import date_in_name
from xlm.corpus.wikipedia.pages import PageReader
from xlm.corpus.wikipedia.parts.borders import check_borders, twins
from xlm.corpus.wikipedia.parts.cuts import LEAST_BYTES, cut_dump
from xlm.corpus.wikipedia.parts.part import extract_part
from xlm.corpus.wikipedia.parts.report import PartReport
from xlm.corpus.wikipedia.parts.settings import PartSettings
from xlm.corpus.wikipedia.wikiextractor.command import RUN_PREFIX, checked_program
from xlm.engine.stage import FileJob, StageContext
from xlm.errors import ToolError

_PROGRAM_LEAST_BYTES = 4 * LEAST_BYTES
"""Starting the program for a part takes as long as cleaning a megabyte."""


def extract_in_parts(
    context: StageContext[ExtractWikiSlice], dump: DumpFile, lost: LostPages, usage: Usage
) -> PageCounts:
    """Write a text file for each part of the dump, and a table of its documents if asked for.

    Raises:
        DataError: the dump is damaged.
        ToolError: wikiextractor fails, or the extraction takes longer than `timeout_seconds`.
    """
    for leftover in context.scratch.glob(f"{RUN_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    settings = part_settings(context, dump)
    parts = _cut(context.config, dump)
    jobs = [part_job(context, dump, settings, part, number) for number, part in enumerate(parts)]
    check_time = _time_check(dump, context.config.timeout_seconds)
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
    return _total(jobs, results, lost, usage)


def part_settings(context: StageContext[ExtractWikiSlice], dump: DumpFile) -> PartSettings:
    """The settings of all parts, some of them from the header of the dump.

    Raises:
        DataError: the header or the first page is damaged.
        ToolError: the engine is a program that does not run.
    """
    config = context.config
    reader = PageReader(dump)
    next(iter(reader), None)
    program = ""
    if config.engine == "wikiextractor":
        program = str(checked_program(context.logs / "wikiextractor.log"))
    return PartSettings(
        engine=config.engine,
        is_bzip2=dump.is_bzip2,
        encoding=dump.encoding,
        language=config.language,
        dump_date=date_in_name(dump.path.name),
        variant=config.variant,
        titles=config.titles,
        templates=config.templates,
        page_seconds=config.page_seconds,
        timeout_seconds=config.timeout_seconds,
        header=reader.header.decode(),
        program=program,
        # With templates, the dump is one part.
        processes=context.workers if config.templates else 1,
    )


def part_job(
    context: StageContext[ExtractWikiSlice],
    dump: DumpFile,
    settings: PartSettings,
    part: Part,
    number: int,
) -> FileJob:
    """The job that extracts a part."""
    targets = [
        context.out / f"text.{number:05}.txt",
        context.scratch / "reports" / f"{number:05}.json",
        *([context.out / f"documents.{number:05}.parquet"] if context.config.documents else []),
    ]
    of_part = replace(
        settings,
        start=part.start,
        end=part.end,
        scratch=str(context.scratch / f"{RUN_PREFIX}{number:05}"),
        log=str(context.logs / f"wikiextractor.{number:05}.log"),
    )
    return FileJob(
        name=f"text.{number:05}",
        sources=(dump.path,),
        targets=tuple(targets),
        options=asdict(of_part),
    )


def _cut(config: ExtractWikiSlice, dump: DumpFile) -> list[Part]:
    if config.templates:
        return [WHOLE]  # any page may use any template
    return cut_dump(dump, LEAST_BYTES if config.engine == "builtin" else _PROGRAM_LEAST_BYTES)


def _time_check(dump: DumpFile, timeout_seconds: float) -> Callable[[], None]:
    deadline = time.monotonic() + timeout_seconds

    def check() -> None:
        if time.monotonic() > deadline:
            raise ToolError(
                f"{dump.path.name}: extraction did not end within {timeout_seconds:,.0f} s",
                fix="run again, which continues with the parts that are left, or raise "
                "extract.timeout_seconds",
            )

    return check


def _reports(jobs: Sequence[FileJob]) -> list[PartReport]:
    """The reports of the parts, without their lists of pages: those may be long."""
    return [replace(_report(job), missing=[], dropped=[]) for job in jobs]


def _report(job: FileJob) -> PartReport:
    return PartReport.read(job.targets[1])


def _total(
    jobs: Sequence[FileJob], results: Sequence[dict[str, int]], lost: LostPages, usage: Usage
) -> PageCounts:
    """Add up the counts and list the lost pages in the order of the dump."""
    counts = PageCounts()
    for job, result in zip(jobs, results, strict=True):
        counts.add(result)
        report = _report(job)
        usage.add(report.usage)
        for page in report.missing:
            lost.missing(page)
        for page in report.dropped:
            lost.dropped(page)
    return counts
