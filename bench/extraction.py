"""Compares the stage extract-wiki with a former commit, and with pages that are not prepared.

    .venv/bin/python bench/extraction.py --dump DUMP [DUMP ...] [--megabytes 40] [--rounds 5]

The pages of the dumps are repeated to one multistream dump of the given size. Three variants take
turns, each in a new process and with as many worker processes as the machine has cores: the code at
`--former` (a commit before pages were prepared), this code, and this code without preparation. Wall
and CPU time include all child processes. Times are medians; ratios are medians over the rounds.
Writes bench/results/extraction.json and docs/reference/performance/pipeline.md.
"""

import argparse
import bz2
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

from pages import fill

from xlm.display.markdown import table
from xlm.engine.building.machine import machine_record

REPOSITORY = Path(__file__).resolve().parent.parent
RESULTS = REPOSITORY / "bench" / "results" / "extraction.json"
FORMER, NOW, BARE = "former", "now", "now, without preparation"
NAME = "enwiki-20261101-pages-articles-multistream.xml.bz2"
PAGES_PER_STREAM = 100
STAGE = """
import json, resource, sys, time
from pathlib import Path
try:
    from xlm.config.data.extract import ExtractWikiSlice
    from xlm.engine.stage import StageContext
    from xlm.stages.data.extract_wiki import run
except ImportError:  # the former commit
    from xlm.config.corpus import ExtractWikiSlice
    from xlm.stage import Work as StageContext
    from xlm.stages.data.extract_wiki import run
inputs, folder, workers, bare = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
if bare == "bare":
    from xlm.corpus.wikipedia.markup.prepare import Preparation, Prepared
    Preparation.page = lambda self, content, *, article: Prepared(content)
folders = {name: folder / name for name in ("out", "scratch", "logs")}
for path in folders.values():
    path.mkdir(parents=True)
context = StageContext(unit="en", config=ExtractWikiSlice(language="en"), inputs={"dump": inputs},
    mapper=None, workers=workers, **folders)
started = time.perf_counter()
result = run(context)
wall = time.perf_counter() - started
own, children = (resource.getrusage(who) for who in
    (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
cpu = sum(usage.ru_utime + usage.ru_stime for usage in (own, children))
# Not ru_maxrss, which includes the peak of the process that forked.
peak = next(x for x in open("/proc/self/status") if x.startswith("VmHWM")).split()[1]
print(json.dumps({"wall_seconds": wall, "cpu_seconds": cpu,
    "peak_memory_bytes": int(peak) * 1024, "documents": result.counts["documents"]}))
"""


def main() -> None:
    """Measure the three variants, store the results, and fill the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--dump", type=Path, nargs="+", required=True)
    parser.add_argument("--former", default="436759b")
    parser.add_argument("--megabytes", type=float, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    workers = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        pages = _write_dump(arguments.dump, arguments.megabytes, folder / "in")
        former = _checkout(arguments.former, folder / "former")
        variants = {FORMER: (former, ""), NOW: (REPOSITORY, ""), BARE: (REPOSITORY, "bare")}
        runs: dict[str, list[dict[str, Any]]] = {variant: [] for variant in variants}
        for number in range(arguments.rounds):
            for variant in list(variants)[:: -1 if number % 2 else 1]:
                tree, bare = variants[variant]
                out = folder / f"{number}.{variant}"
                runs[variant].append(_measure(tree, folder / "in", out, workers, bare))
    record = {
        "machine": {k: machine_record()[k] for k in ("system", "python", "cores")},
        "load_at_end": os.getloadavg()[0],
        "former": arguments.former,
        "processes": workers,
        "megabytes": arguments.megabytes,
        "pages": pages,
        "runs": runs,
    }
    RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    fill("reference/performance/pipeline.md", "extraction", render(record))


def _write_dump(dumps: list[Path], megabytes: float, folder: Path) -> int:
    """Repeat the pages of the dumps with new ids; returns the number of pages."""
    header, pages = b"", []
    for dump in dumps:
        xml = bz2.decompress(dump.read_bytes())
        header = header or xml[: xml.index(b"<page>")]
        pages += re.findall(rb"<page>.*?</page>", xml, re.DOTALL)
    numbered, size_bytes = [], 0
    for number, page in enumerate(itertools.cycle(pages), start=1):
        if size_bytes > megabytes * 1e6:
            break
        numbered.append(re.sub(rb"<id>\d+</id>", b"<id>%d</id>" % number, page, count=1))
        size_bytes += len(page)
    streams = [
        b"\n".join(numbered[start : start + PAGES_PER_STREAM]) + b"\n"
        for start in range(0, len(numbered), PAGES_PER_STREAM)
    ]
    folder.mkdir()
    (folder / NAME).write_bytes(
        b"".join(bz2.compress(part) for part in (header, *streams, b"</mediawiki>\n"))
    )
    return len(numbered)


def _checkout(revision: str, folder: Path) -> Path:
    archive = subprocess.run(
        ["git", "archive", "--format=tar", revision, "xlm"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def _measure(tree: Path, inputs: Path, out: Path, workers: int, bare: str) -> dict[str, Any]:
    command = [sys.executable, "-P", "-c", STAGE, str(inputs), str(out), str(workers), bare]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    result: dict[str, Any] = json.loads(done.stdout)
    print(out.name, result, flush=True)
    return result


def render(record: dict[str, Any]) -> str:
    """The table for the documentation."""
    rows = []
    former = record["runs"][FORMER]
    for variant, runs in record["runs"].items():
        row = [f"{variant} ({record['former']})" if variant == FORMER else variant]
        for key in ("wall_seconds", "cpu_seconds"):
            ratios = [run[key] / other[key] for run, other in zip(runs, former, strict=True)]
            row += [
                f"{statistics.median(run[key] for run in runs):.1f} s",
                f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            ]
        peak = max(run["peak_memory_bytes"] for run in runs)
        rows.append([*row, f"{peak / 1e6:,.0f} MB"])
    heads = ["extract-wiki", "wall time", "ratio", "CPU time", "ratio", "peak memory of the stage"]
    return table(heads, rows)


if __name__ == "__main__":
    main()
