"""The stage extract-wiki beside its former self and beside itself without preparation.

    .venv/bin/python bench/extraction.py --dump DUMP [DUMP ...] [--megabytes 40] [--rounds 5]

The pages of the dumps are repeated to one multistream dump of the given size. Three ways take
turns on it, each in a process of its own and with as many processes as the machine has cores:
the code at `--former` (a commit before pages were prepared), this code, and this code with pages
handed on as they are. Wall and CPU time, all child processes included, are medians; ratios are
medians over the rounds. Writes bench/results/extraction.json and
docs/reference/performance/pipeline.md.
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
FORMER, NOW, BARE = "former", "now", "now, pages as they are"
NAME = "enwiki-20261101-pages-articles-multistream.xml.bz2"
PAGES_PER_STREAM = 100
STAGE = """
import json, resource, sys, time
from pathlib import Path
from xlm.config.data.extract import ExtractWikiSlice
from xlm.engine.stage import StageContext
from xlm.stages.data.extract_wiki import run
inputs, place, workers, bare = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
if bare == "bare":
    from xlm.corpus.wikipedia.markup.prepare import Preparation, Prepared
    Preparation.page = lambda self, content, *, article: Prepared(content)
folders = {name: place / name for name in ("out", "scratch", "logs")}
for folder in folders.values():
    folder.mkdir(parents=True)
work = StageContext(unit="en", config=ExtractWikiSlice(language="en"), inputs={"dump": inputs},
    mapper=None, workers=workers, **folders)
began = time.perf_counter()
outcome = run(work)
wall = time.perf_counter() - began
own, children = (resource.getrusage(who) for who in
    (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
cpu = sum(usage.ru_utime + usage.ru_stime for usage in (own, children))
# Not ru_maxrss, which keeps the peak of the process that forked.
peak = next(x for x in open("/proc/self/status") if x.startswith("VmHWM")).split()[1]
print(json.dumps({"wall_seconds": wall, "cpu_seconds": cpu,
    "peak_memory_bytes": int(peak) * 1024, "documents": outcome.counts["documents"]}))
"""


def main() -> None:
    """Measure the three ways, keep the figures, and fill the page."""
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
        place = Path(temporary)
        pages = _write_dump(arguments.dump, arguments.megabytes, place / "in")
        former = _checkout(arguments.former, place / "former")
        ways = {FORMER: (former, ""), NOW: (REPOSITORY, ""), BARE: (REPOSITORY, "bare")}
        figures: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
        for number in range(arguments.rounds):
            for way in list(ways)[:: -1 if number % 2 else 1]:
                tree, bare = ways[way]
                out = place / f"{number}.{way}"
                figures[way].append(_measure(tree, place / "in", out, workers, bare))
    record = {
        "machine": {k: machine_record()[k] for k in ("system", "python", "cores")},
        "load_at_end": os.getloadavg()[0],
        "former": arguments.former,
        "processes": workers,
        "megabytes": arguments.megabytes,
        "pages": pages,
        "runs": figures,
    }
    RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    fill("reference/performance/pipeline.md", "extraction", render(record))


def _write_dump(dumps: list[Path], megabytes: float, folder: Path) -> int:
    """Repeat the pages of the dumps under new ids; return how many were written."""
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
    """The table of the page."""
    rows = []
    former = record["runs"][FORMER]
    for way, runs in record["runs"].items():
        row = [f"{way} ({record['former']})" if way == FORMER else way]
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
