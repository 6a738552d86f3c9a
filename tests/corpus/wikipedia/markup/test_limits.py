"""Hostile pages are dropped, counted and named, by rules that do not depend on time."""

import sys
import time
from xml.sax.saxutils import escape

import pytest

from tests.corpus.wikipedia.dumps import page, run_extract, text_of, write_dump
from xlm.corpus.wikipedia.markup.limits import MAX_PAGE_BYTES, hostile_reason
from xlm.corpus.wikipedia.wikiextractor import command

N = 50_000
HOSTILE = {
    "comments": "<!--" * N,
    "equals": "=" * 2 * N,
    "math": "<math>" * N,
    "code": "a<code>" * N,
    "external": "[http://a " * N,
    "protocol": "[//a x" * N,
    "openings": "<a " * N,
    "attributes": '<div a="' * N,
    "references": "<ref name=a" * N,
    "parser functions": "{{#if:x|" * N + "}}" * N,
    "case functions": "{{lc:" * N + "x" + "}}" * N,
    "few references": "<ref name=a " * 99 + "x" * 500_000,
}
HARMLESS = {
    "links": "[[" * 20_000,
    "templates": "{{" * 250,
    "tables": "{|\n" * 20_000,
    "quotes": "'" * 100_000,
    "headings": "== a ==\n" * 20_000,
    "closed": '<ref name="x" /> <math>x</math> [http://a b] <!-- c -->' * 20_000,
    "lists": "<li>x<br>" * 20_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_detected_fast(name):
    started = time.process_time()
    assert hostile_reason("Before. " + HOSTILE[name] + " after")
    assert time.process_time() - started < 5


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_text_is_kept(name):
    assert hostile_reason(HARMLESS[name]) == ""


@pytest.mark.slow
def test_hostile_pages_do_not_affect_other_pages(make_context, tmp_path, engine):
    pages = []
    for number, text in enumerate(HOSTILE.values()):
        pages += [
            page(2 * number + 1, f"Valid {number}"),
            page(2 * number + 2, "Bad", escape(text)),
        ]
    write_dump(tmp_path / "in", "".join(pages))
    context, result = run_extract(make_context, tmp_path / "in", engine, timeout_seconds=60)
    assert result.counts["documents"] == len(HOSTILE)
    assert result.counts["dropped_pages"] == len(HOSTILE)
    assert result.counts["missing_pages"] == 0
    dropped = (context.logs / "dropped_pages.tsv").read_text().splitlines()
    assert dropped[0] == "2\tBad\tcomments that never end"
    assert len(dropped) == len(HOSTILE)


def test_a_replacement_cannot_grow_without_limit(make_context, tmp_path, engine):
    nested = "{{#replace:" * 40 + "a" + "|a|aaaaaaaaaa}}" * 40
    write_dump(tmp_path / "in", page(1, "One", f"A {nested} B {{{{ #REPLACE: x|x|y}}}} C"))
    context, _ = run_extract(make_context, tmp_path / "in", engine, timeout_seconds=60)
    assert text_of(context.out) == "One\nA B C\n"


def test_calls_that_fill_memory_or_take_hours_are_removed(make_context, tmp_path, engine):
    calls = (
        "{{padleft:x|999999999}} {{PadRight:{{lc:X}}|{{#expr:9+9}}99999|y}} "
        "{{#expr:9**9**9**9}} {{#ifexpr: 9* *9 > 1 |a|b}} B {{padleft:7|3|0}} {{#expr:2*3*4}}"
    )
    write_dump(tmp_path / "in", page(1, "One", f"A {calls} C"))
    context, result = run_extract(make_context, tmp_path / "in", engine, timeout_seconds=60)
    assert text_of(context.out) == "One\nA B 007 24 C\n"
    if engine == "wikiextractor":
        assert result.measured["peak_memory_bytes"] < 500_000_000


@pytest.mark.slow
def test_a_page_that_is_too_large_is_dropped(make_context, tmp_path, engine):
    huge = page(2, "Huge", "x" * (MAX_PAGE_BYTES + 1))
    write_dump(tmp_path / "in", page(1, "One") + huge + page(3, "Three"))
    context, result = run_extract(make_context, tmp_path / "in", engine)
    assert result.counts["documents"] == 2
    dropped = (context.logs / "dropped_pages.tsv").read_text()
    assert dropped == "2\tHuge\ta page of more than 16 MiB\n"


@pytest.mark.slow
def test_other_slow_pages_are_found_by_time_and_named(make_context, tmp_path, monkeypatch):
    """The program hangs on one page: the block is halved until the page is found."""
    body = (
        "import json, os, re, sys, time\n"
        "if '--version' in sys.argv: print('wikiextractor 3.1.0'); sys.exit()\n"
        "text = open(sys.argv[1]).read()\n"
        "time.sleep(600 if 'SLOW' in text else 0)\n"
        "out = sys.argv[sys.argv.index('-o') + 1] + '/AA'; os.mkdir(out)\n"
        "with open(out + '/wiki_00', 'w') as file:\n"
        "    for number in re.findall(r'<id>(\\d+)</id>\\n    <rev', text):\n"
        "        record = {'id': number, 'url': '', 'title': '', 'text': 'x'}\n"
        "        print(json.dumps(record), file=file)\n"
    )
    script = tmp_path / "wikiextractor"
    script.write_text(f"#!{sys.executable}\n{body}")
    script.chmod(0o755)
    monkeypatch.setattr(command, "find_program", lambda name: script)
    pages = [page(n, f"P{n}", "SLOW" if n == 2 else "x") for n in range(1, 4)]
    write_dump(tmp_path / "in", "".join(pages))
    context, result = run_extract(make_context, tmp_path / "in", "wikiextractor", page_seconds=3.0)
    assert result.counts["documents"] == 2
    assert (result.counts["dropped_pages"], result.counts["missing_pages"]) == (1, 0)
    dropped = (context.logs / "dropped_pages.tsv").read_text()
    assert dropped == "2\tP2\textraction took more than 3 s\n"
