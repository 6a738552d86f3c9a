"""Parts of dumps: slow and broken pages, worker processes, and runs that are killed."""

import errno
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.corpus.wikipedia.dumps import documents_of, page, run_extract, text_of, write_dump
from tests.repository import REPOSITORY
from xlm.corpus.wikipedia.parts import extraction
from xlm.corpus.wikipedia.wikitext.page import PageCleaner
from xlm.errors import ToolError

_STAGE = """
import sys
from pathlib import Path
from xlm.config.data.extract import ExtractWikiSlice
from xlm.corpus.wikipedia.parts import extraction
from xlm.engine.building.mapper import ExecutorMapper, Usage
from xlm.engine.stage import StageContext
from xlm.processes.pool.executor import worker_pool
from xlm.stages.data.extract_wiki import run
from xlm.store.file_jobs import remove_unfinished
inputs, base, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
extraction.LEAST_BYTES = extraction._PROGRAM_LEAST_BYTES = int(sys.argv[5])
folders = {name: base / name for name in ("out", "scratch", "logs")}
for folder in folders.values():
    folder.mkdir(parents=True, exist_ok=True)
remove_unfinished(base / "scratch" / "records", base / "out")
with worker_pool(workers, base / "tools") as pool:
    config = ExtractWikiSlice(language="en", engine=sys.argv[4], documents=True)
    result = run(StageContext(unit="en", config=config, inputs={"dump": inputs}, workers=workers,
        mapper=ExecutorMapper(pool, Usage()), **folders))
print(dict(result.counts))
"""


def _command(inputs, base, workers, engine="builtin", least_bytes=1000):
    arguments = [inputs, base, workers, engine, least_bytes]
    return [sys.executable, "-c", _STAGE, *map(str, arguments)]


_ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def _run_stage(inputs, base, workers, *options):
    command = _command(inputs, base, workers, *options)
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=_ENVIRONMENT)
    return done.stdout


def _write_large_dump(folder):
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefgh", k=5)) for _ in range(5000)]
    streams = [
        "".join(
            page(number, f"Page {number}", " ".join(chance.choices(words, k=300)))
            for number in range(start, start + 10)
        )
        for start in range(1, 800, 10)
    ]
    write_dump(folder, *streams)


def _files(base):
    return {path.name: path.read_bytes() for path in (base / "out").iterdir()}


@pytest.mark.fault
def test_a_killed_stage_goes_on_from_its_finished_parts(tmp_path):
    """Finished parts are not extracted again, and all bytes are those of an undisturbed run."""
    _write_large_dump(tmp_path / "in")
    printed = _run_stage(tmp_path / "in", tmp_path / "undisturbed", 1)
    base = tmp_path / "killed"
    records = base / "scratch" / "records"
    chance = random.Random(os.getpid())
    done = {}
    for _ in range(3):
        wanted = len(done) + chance.randint(1, 8)
        command = _command(tmp_path / "in", base, 2)
        process = subprocess.Popen(command, env=_ENVIRONMENT, stdout=subprocess.DEVNULL)
        while len(list(records.glob("*.json"))) < wanted:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(1)  # its workers die with it
        now = {path.name: path.stat().st_mtime_ns for path in records.glob("*.json")}
        assert done.items() <= now.items()
        done = now
    assert done
    assert _run_stage(tmp_path / "in", base, 2) == printed
    after = {path.name: path.stat().st_mtime_ns for path in records.glob("*.json")}
    assert done.items() < after.items()
    assert _files(base) == _files(tmp_path / "undisturbed")
    assert len(after) > 40


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "least_bytes"), [("builtin", 1000), ("wikiextractor", 200_000)])
def test_the_number_of_workers_changes_no_byte(tmp_path, engine, least_bytes):
    _write_large_dump(tmp_path / "in")
    printed = {
        _run_stage(tmp_path / "in", tmp_path / str(n), n, engine, least_bytes) for n in (1, 3)
    }
    assert len(printed) == 1
    assert _files(tmp_path / "1") == _files(tmp_path / "3")
    assert len(documents_of(tmp_path / "3" / "out")) == 800
    assert len(_files(tmp_path / "1")) > 4


def _cleaner_that(monkeypatch, act):
    """The cleaner does `act` instead, on pages with SPECIAL text."""
    lines = PageCleaner.lines

    def changed(self, title, text, *arguments, **named):
        return act() if "SPECIAL" in text else lines(self, title, text, *arguments, **named)

    monkeypatch.setattr(PageCleaner, "lines", changed)


_SPECIAL = [page(n, f"P{n}", "SPECIAL" if n == 2 else "x") for n in range(1, 4)]


def test_a_slow_page_is_dropped_and_named(make_context, tmp_path, monkeypatch):
    def work():
        while True:
            sum(range(1000))

    _cleaner_that(monkeypatch, work)
    write_dump(tmp_path / "in", *_SPECIAL)
    before = signal.getsignal(signal.SIGVTALRM)
    context, result = run_extract(make_context, tmp_path / "in", "builtin", page_seconds=0.2)
    assert text_of(context.out) == "P1\nx\nP3\nx\n"
    assert (result.counts["dropped_pages"], result.counts["missing_pages"]) == (1, 0)
    dropped = (context.logs / "dropped_pages.tsv").read_text()
    assert dropped == "2\tP2\textraction took more than 0 s\n"
    assert signal.getsignal(signal.SIGVTALRM) is before


def test_a_full_disk_ends_the_extraction(make_context, tmp_path, monkeypatch):
    """When there is space again, the file would go on without the lines that were lost."""

    def fail():
        raise OSError(errno.ENOSPC, "No space left on device")

    _cleaner_that(monkeypatch, fail)
    write_dump(tmp_path / "in", *_SPECIAL)
    with pytest.raises(OSError, match="No space left"):
        run_extract(make_context, tmp_path / "in", "builtin")


@pytest.mark.parametrize("result", [lambda: 1 / 0, lambda: ["a lone \ud800 surrogate"]])
def test_a_page_on_which_the_cleaner_fails_is_missing(make_context, tmp_path, monkeypatch, result):
    _cleaner_that(monkeypatch, result)
    write_dump(tmp_path / "in", *_SPECIAL)
    context, found = run_extract(make_context, tmp_path / "in", "builtin", documents=True)
    assert text_of(context.out) == "P1\nx\nP3\nx\n"
    assert [row["id"] for row in documents_of(context.out)] == ["1", "3"]
    assert found.counts["missing_pages"] == 1
    name, title, why = (context.logs / "missing_pages.tsv").read_text().split("\t")
    assert (name, title) == ("2", "P2")
    assert "Error: " in why
    write_dump(tmp_path / "in", *_SPECIAL, *_SPECIAL[1:] * 2)
    with pytest.raises(ToolError, match=r"builtin lost 3 of 7 articles \(1 allowed\)"):
        run_extract(make_context, tmp_path / "in", "builtin")


def test_the_time_limit_of_a_dump_ends_the_stage(make_context, tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "LEAST_BYTES", 100)
    write_dump(tmp_path / "in", *_SPECIAL)
    with pytest.raises(ToolError, match=r"did not end within 0 s; run again, which continues"):
        run_extract(make_context, tmp_path / "in", "builtin", timeout_seconds=1e-9)
