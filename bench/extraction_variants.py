"""One measurement of `extraction.py`, in a new process.

    python bench/extraction_variants.py VARIANT DUMP PROCESSES FOLDER

`command`: the program wikiextractor. `engine`: the builtin engine in the pool of workers, which
reads and cleans every page and writes nothing. `stage`: the stage extract-wiki with the builtin
engine, until all files are written, hashed and on the disk. Prints one JSON object; times include
all child processes.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from xlm.config.data.extract import ExtractWikiSlice
from xlm.corpus.wikipedia.documents import DocumentWriter
from xlm.corpus.wikipedia.dump_file import DumpFile
from xlm.corpus.wikipedia.parts import extraction
from xlm.corpus.wikipedia.parts.cuts import cut_dump
from xlm.corpus.wikipedia.parts.part import extract_part
from xlm.engine.building.mapper import ExecutorMapper, Usage
from xlm.engine.stage import FileJob, StageContext
from xlm.processes.pool.executor import worker_pool
from xlm.processes.tools import find_program
from xlm.store.disk.filesystem import sync_tree
from xlm.store.manifest import describe_files

DEVICE = Path(os.devnull)


def run_command(dump: Path, processes: int, folder: Path) -> int:
    """Run the program as the original did, without templates."""
    command = [str(find_program("wikiextractor")), str(dump), "-o", str(folder), "-b", "1G"]
    command += ["-q", "--no-templates", "--html-safe", "", "--processes", str(processes)]
    subprocess.run(command, check=True)
    text = b"".join(path.read_bytes() for path in folder.glob("*/wiki_*"))
    return text.count(b"<doc id=")


def extract_only(job: FileJob) -> Mapping[str, int]:
    """Read and clean the pages of a part; write nothing."""
    DocumentWriter.write = _count  # type: ignore[method-assign]
    return extract_part(FileJob(job.name, job.sources, (DEVICE, DEVICE), job.options))


def _count(writer: DocumentWriter, document: object) -> None:
    writer.documents += 1


def run_engine(dump: Path, processes: int, folder: Path) -> int:
    """Clean all pages in the pool of workers."""
    opened = DumpFile.open(dump)
    context = _context(dump, processes, folder)
    settings = extraction.part_settings(context, opened)
    jobs = [
        extraction.part_job(context, opened, settings, part, number)
        for number, part in enumerate(cut_dump(opened))
    ]
    # The workers find this module by its name.
    from extraction_variants import extract_only

    with worker_pool(processes, folder / "tools") as pool:
        results = ExecutorMapper(pool, Usage()).map(extract_only, jobs)
        return sum(result["documents"] for result in results)


def run_stage(dump: Path, processes: int, folder: Path) -> int:
    """Run the stage, then do what its publication does."""
    from dataclasses import replace

    from xlm.stages.data.extract_wiki import run

    context = _context(dump, processes, folder)
    with worker_pool(processes, folder / "tools") as pool:
        result = run(replace(context, mapper=ExecutorMapper(pool, Usage())))
    describe_files(context.out, ())
    sync_tree(context.out)
    return int(result.counts["documents"])


def _context(dump: Path, processes: int, folder: Path) -> StageContext[ExtractWikiSlice]:
    folders = {name: folder / name for name in ("out", "scratch", "logs")}
    for path in folders.values():
        path.mkdir(parents=True, exist_ok=True)
    config = ExtractWikiSlice(language="en", engine="builtin")
    return StageContext(
        unit="en",
        config=config,
        inputs={"dump": dump.parent},
        mapper=None,  # type: ignore[arg-type]
        workers=processes,
        **folders,
    )


VARIANTS = {"command": run_command, "engine": run_engine, "stage": run_stage}


def main() -> None:
    """Run one variant and print what it took."""
    variant, dump, processes, folder = sys.argv[1:]
    Path(folder).mkdir(parents=True)
    started = time.perf_counter()
    documents = VARIANTS[variant](Path(dump), int(processes), Path(folder))
    wall_seconds = time.perf_counter() - started
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    result = {
        "wall_seconds": wall_seconds,
        "cpu_seconds": sum(usage.ru_utime + usage.ru_stime for usage in usages),
        "load": os.getloadavg()[0],
        "documents": documents,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
