"""The next block of a dump is prepared while wikiextractor processes the current one."""

import sys
import threading

import pytest

from tests.corpus.wikipedia.dumps import page, run_extract, text_of, write_dump
from xlm.corpus.wikipedia.markup.prepare import Preparation
from xlm.corpus.wikipedia.wikiextractor import command, engine
from xlm.errors import DataError

_PATIENT_PROGRAM = """
import json, os, re, sys, time
if '--version' in sys.argv: print('wikiextractor 3.1.0'); sys.exit()
text = open(sys.argv[1]).read()
end = time.monotonic() + 30
while 'WAITS' in text and not os.path.exists({flag!r}):
    if time.monotonic() > end: sys.exit('the next block was never prepared')
    time.sleep(0.01)
out = sys.argv[sys.argv.index('-o') + 1] + '/AA'; os.mkdir(out)
with open(out + '/wiki_00', 'w') as file:
    for number in re.findall(r'<id>(\\d+)</id>\\n    <rev', text):
        print(json.dumps(dict(id=number, url='', title='', text='x')), file=file)
"""


def test_the_next_block_is_prepared_while_the_program_runs(make_context, tmp_path, monkeypatch):
    """The fake program waits with the first block until a page of the second is prepared."""
    flag = tmp_path / "prepared"
    script = tmp_path / "wikiextractor"
    script.write_text(f"#!{sys.executable}\n{_PATIENT_PROGRAM.format(flag=str(flag))}")
    script.chmod(0o755)
    prepare = Preparation.page

    def page_of_the_second_block(self, content, *, article):
        if b"SECOND" in content:
            flag.touch()
        return prepare(self, content, article=article)

    monkeypatch.setattr(Preparation, "page", page_of_the_second_block)
    monkeypatch.setattr(command, "find_program", lambda name: script)
    monkeypatch.setattr(engine, "_BLOCK_BYTES", 1)
    write_dump(tmp_path / "in", page(1, "One", "WAITS") + page(2, "Two", "SECOND"))
    _, result = run_extract(make_context, tmp_path / "in")
    assert result.counts["documents"] == 2


@pytest.mark.slow
def test_damage_in_a_later_block_is_the_error_of_the_stage(make_context, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_BLOCK_BYTES", 1)
    write_dump(tmp_path / "in", page(1, "One") + page(2, "Two") + "<page><title>x</page>")
    with pytest.raises(DataError, match="not well-formed XML"):
        run_extract(make_context, tmp_path / "in")
    assert not any(thread.name == "prefetch" for thread in threading.enumerate())


@pytest.mark.slow
@pytest.mark.parametrize("block_bytes", [1, 400])
def test_the_block_size_does_not_change_the_text(make_context, tmp_path, monkeypatch, block_bytes):
    pages = [page(number, f"Page {number}", f"Text {number}.") for number in range(1, 6)]
    write_dump(tmp_path / "in", *pages, page(6, "Two") + page(6, "Twin"), page(7, "Last"))
    complete, counts = run_extract(make_context, tmp_path / "in")
    before = text_of(complete.out)
    monkeypatch.setattr(engine, "_BLOCK_BYTES", block_bytes)
    context, result = run_extract(make_context, tmp_path / "in")
    assert text_of(context.out) == before
    assert result.counts == counts.counts
    assert result.counts["missing_pages"] == 1
