"""Wikitext to text: equal to the goldens, every page accounted for."""

import ast
import bz2
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xlm.config.corpus import ExtractWikiSlice
from xlm.config.languages import LANGUAGES
from xlm.corpus import wikiextractor
from xlm.corpus.files import sole_file
from xlm.corpus.wikiextractor import Document, extract_documents, prepare_dump
from xlm.corpus.wikipedia_extract import clean_lines
from xlm.corpus.wikipedia_pages import Page, PageReader
from xlm.errors import DataError, ToolError
from xlm.stages.extract_wiki import run

REPOSITORY = Path(__file__).resolve().parents[2]
SITE = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">\n'
    "  <siteinfo>\n    <sitename>Wikipedia</sitename>\n"
    "    <base>https://en.wikipedia.org/wiki/Main_Page</base>\n"
    '    <namespaces>\n      <namespace key="0" case="first-letter" />\n'
    '      <namespace key="10" case="first-letter">Template</namespace>\n'
    '      <namespace key="14" case="first-letter">Category</namespace>\n'
    "    </namespaces>\n  </siteinfo>\n"
)


def _page(number, title, text="Some text here.", ns=0, redirect=""):
    return (
        f"  <page>\n    <title>{title}</title>\n    <ns>{ns}</ns>\n    <id>{number}</id>\n"
        + (f'    <redirect title="{redirect}" />\n' if redirect else "")
        + f"    <revision>\n      <id>{number}9</id>\n      <model>wikitext</model>\n"
        f'      <text xml:space="preserve">{text}</text>\n    </revision>\n  </page>\n'
    )


def _dump(folder, *streams, closed=True):
    folder.mkdir(parents=True, exist_ok=True)
    parts = [SITE, *streams, *(["</mediawiki>\n"] if closed else [])]
    path = folder / "enwiki-20261101-pages-articles-multistream.xml.bz2"
    path.write_bytes(b"".join(bz2.compress(part.encode()) for part in parts))
    return path


def _run(make_work, folder, **config):
    work = make_work(ExtractWikiSlice(language="en", **config), "en", dump=folder)
    return work, run(work)


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_text_of_the_mirror_dumps_equals_the_golden(shared, make_work, code):
    folder = shared / "mirror" / "dumps.wikimedia.org" / f"{code}wiki" / "20261101"
    (dump,) = folder.glob("*multistream.xml.bz2")
    work = make_work(ExtractWikiSlice(language=code), code)
    inputs = work.scratch.parent / "in"
    inputs.mkdir()
    shutil.copy(dump, inputs)
    work.inputs["dump"] = inputs
    outcome = run(work)
    golden = shared / "golden" / "wikiextractor_mirror" / f"{code}.all.raw"
    assert (work.out / "text.txt").read_bytes() == golden.read_bytes()
    assert outcome.counts["documents"] == outcome.counts["articles"]
    assert outcome.counts["redirects"] == 3
    assert outcome.measured["peak_memory_bytes"] > 1_000_000
    assert outcome.measured["cpu_seconds"] > 0.01
    assert outcome.counts["missing_pages"] == 0
    assert [path.name for path in work.scratch.iterdir()] == ["pages.tsv"]


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_text_of_the_mini_dumps_equals_the_golden(shared, make_work, tmp_path, code):
    inputs = tmp_path / "in"
    inputs.mkdir()
    shutil.copy(shared / "golden" / "minidumps" / f"{code}wiki.xml.bz2", inputs)
    work = make_work(ExtractWikiSlice(language=code), code, dump=inputs)
    run(work)
    golden = shared / "golden" / "wikiextractor" / f"{code}.all.raw"
    assert (work.out / "text.txt").read_bytes() == golden.read_bytes()


def test_documents_carry_id_title_address_and_text(make_work, tmp_path):
    _dump(tmp_path / "in", _page(12, "A &amp; B", "First.\n\nSecond &amp;amp; third."))
    work, outcome = _run(make_work, tmp_path / "in")
    (line,) = (work.out / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "id": "12",
        "title": "A & B",
        "url": "https://en.wikipedia.org/wiki?curid=12",
        "text": "First.\nSecond &amp; third.",
    }
    assert (work.out / "text.txt").read_text() == "A &amp; B\nFirst.\nSecond &amp; third.\n"
    assert outcome.counts["lines"] == 3


def test_the_number_of_processes_changes_nothing(shared, make_work):
    folder = shared / "mirror" / "dumps.wikimedia.org" / "enwiki" / "20261101"
    work = make_work(ExtractWikiSlice(language="en"), "en")
    inputs = work.scratch.parent / "in"
    inputs.mkdir()
    shutil.copy(next(folder.glob("*multistream.xml.bz2")), inputs)
    work.inputs["dump"] = inputs
    run(dataclasses.replace(work, workers=3))
    golden = shared / "golden" / "wikiextractor_mirror" / "en.all.raw"
    assert (work.out / "text.txt").read_bytes() == golden.read_bytes()
    assert not (work.logs / "missing_pages.tsv").exists()


def test_redirects_and_other_namespaces_stay_out(make_work, tmp_path):
    pages = (
        _page(1, "Kept"),
        _page(2, "Gone", "#REDIRECT [[Kept]]", redirect="Kept"),
        _page(3, "Template:Box", "box", ns=10),
        _page(4, "Category:Things", "things", ns=14),
    )
    _dump(tmp_path / "in", "".join(pages))
    work, outcome = _run(make_work, tmp_path / "in")
    assert (work.out / "text.txt").read_text().split("\n")[0] == "Kept"
    assert outcome.counts["documents"] == outcome.counts["articles"] == 1
    assert (outcome.counts["redirects"], outcome.counts["other_namespaces"]) == (1, 2)


def test_an_article_named_like_the_template_namespace_is_not_lost(make_work, tmp_path):
    """wikiextractor 3.1.0 drops it silently when the namespace keeps its name."""
    _dump(tmp_path / "in", _page(1, "Template processor") + _page(2, "Other"))
    work, outcome = _run(make_work, tmp_path / "in")
    assert outcome.counts["documents"] == 2
    assert outcome.counts["missing_pages"] == 0
    assert "Template processor" in (work.out / "text.txt").read_text()


@pytest.mark.parametrize(
    "reference", ["&amp;#xD800;", "&amp;#0057343;", "&amp;#xd83d;&amp;#xde00;"]
)
def test_a_reference_to_a_surrogate_takes_no_page_with_it(make_work, tmp_path, reference):
    """wikiextractor's writer dies of it, and all pages behind are lost, or it hangs."""
    streams = [_page(1, "Before"), _page(2, "Odd", f"One {reference} two."), _page(3, "Behind")]
    _dump(tmp_path / "in", *streams)
    work, outcome = _run(make_work, tmp_path / "in")
    assert (outcome.counts["documents"], outcome.counts["missing_pages"]) == (3, 0)
    replaced = "\ufffd" * reference.count("#")
    assert f"One {replaced} two.\n" in (work.out / "text.txt").read_text(encoding="utf-8")


def test_neighbours_with_one_id_are_counted_and_named(make_work, tmp_path):
    """wikiextractor 3.1.0 drops the second of them silently."""
    _dump(tmp_path / "in", _page(1, "One") + _page(5, "Two") + _page(5, "Twin") + _page(7, "Last"))
    work, outcome = _run(make_work, tmp_path / "in")
    assert outcome.counts["missing_pages"] == 1
    assert outcome.counts["documents"] == 3
    assert (work.logs / "missing_pages.tsv").read_text() == "5\tTwin\n"


def test_more_lost_pages_than_allowed_are_an_error(make_work, tmp_path):
    pages = [_page(1, "One")]
    for number in range(5, 10):
        pages += [_page(number, f"First {number}"), _page(number, f"Twin {number}")]
    _dump(tmp_path / "in", "".join(pages))
    with pytest.raises(ToolError, match=r"lost 5 of 11 articles \(1 allowed\).*'Twin 5' \(5\)"):
        _run(make_work, tmp_path / "in")
    _, outcome = _run(make_work, tmp_path / "in", missing_pages=0.5)
    assert outcome.counts["missing_pages"] == 5


def test_the_last_lost_page_is_counted_too(make_work, tmp_path):
    _dump(tmp_path / "in", _page(1, "One") + _page(5, "Two") + _page(5, "Twin"))
    _, outcome = _run(make_work, tmp_path / "in")
    assert outcome.counts["missing_pages"] == 1


def test_a_head_without_closing_tag_gives_all_its_pages(make_work, tmp_path):
    streams = [_page(1, "One"), _page(2, "Two")]
    _dump(tmp_path / "in", *streams, closed=False)
    work, outcome = _run(make_work, tmp_path / "in")
    assert outcome.counts["documents"] == 2
    whole = tmp_path / "whole"
    _dump(whole, *streams)
    other = make_work(ExtractWikiSlice(language="en"), "en", "other", dump=whole)
    run(other)
    assert (work.out / "text.txt").read_bytes() == (other.out / "text.txt").read_bytes()


def test_text_like_document_tags_ends_no_document(make_work, tmp_path):
    text = "Before.\n\n&lt;/doc&gt;\n\n&lt;doc id=&quot;9&quot;&gt;\n\nAfter."
    _dump(tmp_path / "in", _page(1, "Tags", text) + _page(2, "Next"))
    work, outcome = _run(make_work, tmp_path / "in")
    assert outcome.counts["documents"] == 2
    assert "After." in (work.out / "text.txt").read_text()


def test_clean_lines_drops_what_xlm_drops():
    lines = ("Title", "", " \t", "<doc id=3", "ends in </doc>", "<doc stays", "text ")
    assert clean_lines(Document("1", "u", lines)) == ["Title", "<doc stays", "text "]


def test_templates_may_be_expanded(make_work, tmp_path):
    pages = _page(3, "Template:Box", "expanded", ns=10) + _page(4, "Uses", "A {{Box}} B")
    _dump(tmp_path / "in", pages)
    work, _ = _run(make_work, tmp_path / "in", templates=True)
    assert "A expanded B" in (work.out / "text.txt").read_text()


def test_a_dump_without_articles_is_refused(make_work, tmp_path):
    _dump(tmp_path / "in", _page(3, "Template:Box", "box", ns=10))
    with pytest.raises(DataError, match="holds no article of en"):
        _run(make_work, tmp_path / "in")


def test_a_truncated_dump_is_refused_before_the_program_runs(make_work, tmp_path):
    path = _dump(tmp_path / "in", _page(1, "One"))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match="truncated bzip2 file"):
        _run(make_work, tmp_path / "in")


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        (SITE + "<page><title>cut", "ends inside a page"),
        ("", "no well-formed XML|no MediaWiki export"),
        ("<html></html>", "its root is <html>"),
        (SITE + "<page></mediawiki>", "no well-formed XML"),
        (SITE + _page(1, "One") + "</mediawiki><more>", "no well-formed XML"),
        (SITE + "<page><title>t</title><id>1</id></page></mediawiki>", "without title, ns or id"),
        ('<!DOCTYPE lolz [<!ENTITY lol "lol">]><mediawiki>&lol;</mediawiki>', "declares"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><mediawiki/>', "declares"),
        ("<mediawiki>&undeclared;</mediawiki>", "no well-formed XML"),
    ],
)
def test_xml_that_is_no_dump_is_refused(tmp_path, xml, why):
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(bz2.compress(xml.encode()))
    with pytest.raises(DataError, match=why) as caught:
        list(PageReader(path))
    assert "\n" not in str(caught.value)


def test_pages_are_listed_without_their_text(tmp_path):
    text = "x" * 100_000
    path = _dump(
        tmp_path, _page(1, "A &lt;b&gt;", text), _page(2, "R", redirect="A"), _page(3, "C:x", ns=14)
    )
    assert list(PageReader(path)) == [
        Page("1", "A <b>", 0, False),
        Page("2", "R", 0, True),
        Page("3", "C:x", 14, False),
    ]


def test_only_a_header_of_its_own_is_rewritten(tmp_path):
    target = tmp_path / "copy"
    path = _dump(tmp_path / "multi", _page(1, "One"), closed=False)
    prepare_dump(path, target, close=True, rename=True)
    text = bz2.decompress(target.read_bytes()).decode()
    assert ">XlmTemplateNamespace</namespace>" in text
    assert text.endswith("</page>\n</mediawiki>\n")
    single = tmp_path / "single.bz2"
    single.write_bytes(bz2.compress((SITE + _page(1, "One") + "</mediawiki>").encode()))
    prepare_dump(single, target, close=False, rename=True)
    assert target.read_bytes() == single.read_bytes()
    prepare_dump(path, target, close=False, rename=False)
    assert target.read_bytes() == path.read_bytes()


def _program(tmp_path, body):
    script = tmp_path / "wikiextractor"
    script.write_text(f"#!{sys.executable}\nimport sys, os, time\n{body}\n")
    script.chmod(0o755)
    return script


def _fake_program(monkeypatch, tmp_path, body):
    script = _program(tmp_path, body)
    monkeypatch.setattr(wikiextractor, "find_program", lambda name: script)


VERSION_BODY = "if '--version' in sys.argv: print('wikiextractor 3.1.0'); sys.exit()\n"


def _extract(tmp_path, **options):
    dump = _dump(tmp_path / "in", _page(1, "One"))
    defaults = {"close": False, "templates": False, "processes": 1, "timeout_seconds": 20}
    with extract_documents(
        dump, scratch=tmp_path / "s", log=tmp_path / "l" / "log", **{**defaults, **options}
    ) as extracted:
        return list(extracted.documents)


def test_another_release_of_the_program_is_refused(monkeypatch, tmp_path):
    _fake_program(monkeypatch, tmp_path, "print('wikiextractor 3.0.6')")
    with pytest.raises(ToolError, match=r"is wikiextractor 3\.0\.6, not 3\.1\.0"):
        _extract(tmp_path)


def test_a_program_that_cannot_run_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(wikiextractor, "find_program", lambda name: tmp_path / "nothing")
    with pytest.raises(ToolError, match="does not run"):
        _extract(tmp_path)


def test_a_program_that_fails_is_quoted(monkeypatch, tmp_path):
    body = VERSION_BODY + "print('all is lost', file=sys.stderr); sys.exit(3)"
    _fake_program(monkeypatch, tmp_path, body)
    with pytest.raises(ToolError, match="wikiextractor ended with status 3: all is lost"):
        _extract(tmp_path)
    assert list((tmp_path / "s").iterdir()) == []


def test_a_program_whose_process_died_is_ended_at_once(monkeypatch, tmp_path):
    died = "Process ForkProcess-1:\\nTraceback (most recent call last):\\n  here\\nKeyError: 'x'"
    body = VERSION_BODY + f"print({died!r}.replace('\\\\n', chr(10)), flush=True); time.sleep(60)"
    _fake_program(monkeypatch, tmp_path, body)
    started = time.monotonic()
    with pytest.raises(ToolError, match="a process of wikiextractor died: KeyError: 'x'"):
        _extract(tmp_path)
    assert time.monotonic() - started < 10


def test_a_program_that_hangs_is_ended_with_its_children(monkeypatch, tmp_path):
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
    """kill -9 of the driver left wikiextractor and its workers running."""
    pids = tmp_path / "pids"
    script = _program(
        tmp_path,
        f"{VERSION_BODY}os.fork()\n"
        f"open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n')\ntime.sleep(60)",
    )
    dump = _dump(tmp_path / "in", _page(1, "One"))
    driver = (
        "from pathlib import Path\n"
        "from xlm.corpus import wikiextractor\n"
        f"wikiextractor.find_program = lambda name: Path({str(script)!r})\n"
        f"with wikiextractor.extract_documents(Path({str(dump)!r}),\n"
        f"    scratch=Path({str(tmp_path / 's')!r}), log=Path({str(tmp_path / 'log')!r}),\n"
        "    close=False, templates=False, processes=1, timeout_seconds=60):\n"
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


def test_a_program_that_ignores_the_polite_signal_is_killed(monkeypatch, tmp_path):
    monkeypatch.setattr(wikiextractor, "_TERMINATE_SECONDS", 0.1)
    body = VERSION_BODY + (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    )
    _fake_program(monkeypatch, tmp_path, body)
    with pytest.raises(ToolError, match="did not end"):
        _extract(tmp_path, timeout_seconds=0.5)


def test_a_cut_output_is_not_believed(monkeypatch, tmp_path):
    """Exit code 0 alone proves nothing."""
    body = VERSION_BODY + (
        "out = sys.argv[sys.argv.index('-o') + 1]; os.mkdir(out + '/AA')\n"
        "open(out + '/AA/wiki_00', 'w').write('<doc id=\"1\" url=\"u\" title=\"t\">\\nOne\\n')"
    )
    _fake_program(monkeypatch, tmp_path, body)
    with pytest.raises(ToolError, match="last document is cut"):
        _extract(tmp_path)


def test_an_unknown_document_is_an_error(monkeypatch, tmp_path, make_work):
    body = VERSION_BODY + (
        "out = sys.argv[sys.argv.index('-o') + 1]; os.mkdir(out + '/AA')\n"
        'text = \'<doc id="99" url="u" title="t">\\nOne\\n</doc>\\n\'\n'
        "open(out + '/AA/wiki_00', 'w').write(text)"
    )
    _fake_program(monkeypatch, tmp_path, body)
    _dump(tmp_path / "in", _page(1, "One"))
    with pytest.raises(ToolError, match="a document with id 99"):
        _run(make_work, tmp_path / "in")


def test_a_program_that_writes_nothing_has_lost_all(monkeypatch, tmp_path, make_work):
    _fake_program(monkeypatch, tmp_path, VERSION_BODY)
    _dump(tmp_path / "in", _page(1, "One") + _page(2, "Two"))
    with pytest.raises(ToolError, match="lost 2 of 2 articles"):
        _run(make_work, tmp_path / "in")


def test_what_a_killed_run_left_is_removed(tmp_path):
    leftover = tmp_path / "s" / "wikiextractor-old"
    leftover.mkdir(parents=True)
    assert len(_extract(tmp_path)) == 1
    assert not leftover.exists()


def test_wikiextractor_is_never_imported():
    """AGPL: it is run as a command; an import would make one work of the two."""
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


def test_one_file_of_a_kind_is_found(tmp_path):
    with pytest.raises(DataError, match=r"one file \*\.zip belongs there, found none"):
        sole_file(tmp_path, "*.zip")
    (tmp_path / "a.zip").touch()
    assert sole_file(tmp_path, "*.zip").name == "a.zip"
    (tmp_path / "b.zip").touch()
    with pytest.raises(DataError, match=r"found a\.zip, b\.zip"):
        sole_file(tmp_path, "*.zip")
