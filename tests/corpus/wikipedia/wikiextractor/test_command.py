"""wikiextractor as a process: other releases, crashes, hangs, truncated output; no import."""

import ast
import os
import subprocess
import sys
import time

import pytest

from tests.corpus.wikipedia.dumps import page, run_extract, write_dump
from tests.repository import REPOSITORY
from xlm.corpus.wikipedia.wikiextractor import command
from xlm.corpus.wikipedia.wikiextractor.command import checked_program, extract_documents
from xlm.errors import ToolError


def _program(tmp_path, body):
    script = tmp_path / "wikiextractor"
    script.write_text(f"#!{sys.executable}\nimport sys, os, time\n{body}\n")
    script.chmod(0o755)
    return script


def _fake_program(monkeypatch, tmp_path, body):
    script = _program(tmp_path, body)
    monkeypatch.setattr(command, "find_program", lambda name: script)


VERSION_BODY = "if '--version' in sys.argv: print('wikiextractor 3.1.0'); sys.exit()\n"


def _extract(tmp_path, **options):
    dump = write_dump(tmp_path / "in", page(1, "One"))
    defaults = {"templates": False, "processes": 1, "timeout_seconds": 20}
    log = tmp_path / "l" / "log"
    with extract_documents(
        checked_program(log), dump, scratch=tmp_path / "s", log=log, **{**defaults, **options}
    ) as extracted:
        return list(extracted.documents)


def test_another_release_of_the_program_is_refused(monkeypatch, tmp_path):
    _fake_program(monkeypatch, tmp_path, "print('wikiextractor 3.0.6')")
    with pytest.raises(ToolError, match=r"is wikiextractor 3\.0\.6, not 3\.1\.0"):
        _extract(tmp_path)


def test_a_program_that_cannot_run_is_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "find_program", lambda name: tmp_path / "nothing")
    with pytest.raises(ToolError, match="does not run"):
        _extract(tmp_path)


def test_a_program_that_fails_is_quoted(monkeypatch, tmp_path):
    body = VERSION_BODY + "print('all is lost', file=sys.stderr); sys.exit(3)"
    _fake_program(monkeypatch, tmp_path, body)
    with pytest.raises(ToolError, match="wikiextractor ended with status 3: all is lost"):
        _extract(tmp_path)
    assert list((tmp_path / "s").iterdir()) == []


def test_the_program_is_stopped_when_one_of_its_processes_dies(monkeypatch, tmp_path):
    died = "Process ForkProcess-1:\\nTraceback (most recent call last):\\n  here\\nKeyError: 'x'"
    body = VERSION_BODY + f"print({died!r}.replace('\\\\n', chr(10)), flush=True); time.sleep(60)"
    _fake_program(monkeypatch, tmp_path, body)
    started = time.monotonic()
    with pytest.raises(ToolError, match="a process of wikiextractor died: KeyError: 'x'"):
        _extract(tmp_path)
    assert time.monotonic() - started < 10


@pytest.mark.slow
def test_a_program_that_hangs_is_stopped_with_its_children(monkeypatch, tmp_path):
    child = tmp_path / "child"
    body = VERSION_BODY + (
        f"pid = os.fork()\nif pid: open({str(child)!r}, 'w').write(str(pid))\ntime.sleep(60)"
    )
    _fake_program(monkeypatch, tmp_path, body)
    started = time.monotonic()
    with pytest.raises(ToolError, match=r"did not end within 1 s: .*extract\.timeout_seconds"):
        _extract(tmp_path, timeout_seconds=1)
    assert time.monotonic() - started < 10
    assert _ends(int(child.read_text()))


@pytest.mark.fault
def test_a_killed_driver_leaves_no_program_running(tmp_path):
    """After kill -9 of the driver, no process of wikiextractor may stay."""
    pids = tmp_path / "pids"
    script = _program(
        tmp_path,
        f"{VERSION_BODY}os.fork()\n"
        f"open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n')\ntime.sleep(60)",
    )
    dump = write_dump(tmp_path / "in", page(1, "One"))
    driver = (
        "from pathlib import Path\n"
        "from xlm.corpus.wikipedia.wikiextractor import command\n"
        f"with command.extract_documents(Path({str(script)!r}), Path({str(dump)!r}),\n"
        f"    scratch=Path({str(tmp_path / 's')!r}), log=Path({str(tmp_path / 'log')!r}),\n"
        "    templates=False, processes=1, timeout_seconds=60):\n"
        "    pass\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen([sys.executable, "-c", driver], env=environment)
    while not pids.exists() or pids.read_text().count("\n") < 2:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert all(_ends(int(pid)) for pid in pids.read_text().split())


def _ends(pid):
    for _ in range(200):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True)
        if state.stdout.strip()[:1] in (b"", b"Z"):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
def test_a_program_that_ignores_sigterm_is_killed(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "_TERMINATE_SECONDS", 0.1)
    body = VERSION_BODY + (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    )
    _fake_program(monkeypatch, tmp_path, body)
    with pytest.raises(ToolError, match="did not end"):
        _extract(tmp_path, timeout_seconds=0.5)


def test_truncated_output_is_an_error(monkeypatch, tmp_path):
    """The exit code 0 does not prove that the output is complete."""
    body = VERSION_BODY + (
        "out = sys.argv[sys.argv.index('-o') + 1]; os.mkdir(out + '/AA')\n"
        'open(out + \'/AA/wiki_00\', \'w\').write(\'{"id": "1", "url": "u", "ti\')'
    )
    _fake_program(monkeypatch, tmp_path, body)
    with pytest.raises(ToolError, match="output is truncated"):
        _extract(tmp_path)


def test_an_unknown_document_is_an_error(monkeypatch, tmp_path, make_context):
    body = VERSION_BODY + (
        "out = sys.argv[sys.argv.index('-o') + 1]; os.mkdir(out + '/AA')\n"
        'text = \'{"id": "99", "url": "u", "title": "t", "text": "One"}\\n\'\n'
        "open(out + '/AA/wiki_00', 'w').write(text)"
    )
    _fake_program(monkeypatch, tmp_path, body)
    write_dump(tmp_path / "in", page(1, "One"))
    with pytest.raises(ToolError, match="a document with id 99"):
        run_extract(make_context, tmp_path / "in", "wikiextractor")


def test_a_program_that_writes_nothing_loses_all_articles(monkeypatch, tmp_path, make_context):
    _fake_program(monkeypatch, tmp_path, VERSION_BODY)
    write_dump(tmp_path / "in", page(1, "One") + page(2, "Two"))
    with pytest.raises(ToolError, match="lost 2 of 2 articles"):
        run_extract(make_context, tmp_path / "in", "wikiextractor")


@pytest.mark.slow
def test_leftovers_of_a_killed_run_are_removed(tmp_path, make_context):
    write_dump(tmp_path / "in", page(1, "One"))
    leftover = tmp_path / "work" / "scratch" / "wikiextractor-old"
    leftover.mkdir(parents=True)
    _, result = run_extract(make_context, tmp_path / "in", "wikiextractor")
    assert result.counts["documents"] == 1
    assert not leftover.exists()


@pytest.mark.slow
def test_wikiextractor_is_never_imported():
    """It is AGPL: it only runs as a command; an import would make ours a derived work."""
    folders = ("xlm", "tasks", "flows", "tests", "bench")
    sources = [path for folder in folders for path in (REPOSITORY / folder).rglob("*.py")]
    assert sources
    imported = {
        (name.split(".")[0], path)
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert [path for name, path in imported if name == "wikiextractor"] == []
