"""The next item is taken while the caller works; errors, early ends and memory are as without."""

import gc
import sys
import threading
import time
import weakref

import pytest

from tests.corpus.small_dumps import page, run_extract, write_dump
from xlm.corpus import wikiextractor, wikipedia_extract
from xlm.corpus.one_ahead import OneAhead
from xlm.corpus.wiki_prepare import Preparation
from xlm.errors import DataError

_PATIENCE_SECONDS = 30


def _nothing() -> None:
    """Of an iterator that ends by itself."""


def test_items_come_in_order_and_the_next_one_while_the_caller_works():
    reached = [threading.Event() for _ in range(4)]

    def items():
        for number, event in enumerate(reached):
            event.set()
            yield number

    with OneAhead(items(), stop=_nothing) as ahead:
        seen = []
        for number in ahead:
            if number + 1 < len(reached):
                assert reached[number + 1].wait(_PATIENCE_SECONDS)
            seen.append(number)
    assert seen == [0, 1, 2, 3]


def test_no_more_than_one_item_is_ahead():
    made = []

    def items():
        for number in range(10):
            made.append(number)
            yield number

    with OneAhead(items(), stop=_nothing) as ahead:
        for number in ahead:
            time.sleep(0.02)
            assert max(made) <= number + 1


def test_items_are_freed_when_the_caller_is_done_with_them():
    class Item:
        pass

    references = []

    def items():
        for _ in range(4):
            item = Item()
            references.append(weakref.ref(item))
            yield item
            del item

    alive = []
    with OneAhead(items(), stop=_nothing) as ahead:
        for item in ahead:
            del item
            gc.collect()
            alive.append(sum(reference() is not None for reference in references))
    assert max(alive) <= 2


def test_an_error_comes_after_the_items_before_it():
    def items():
        yield 1
        raise ValueError("damaged")

    seen = []
    with pytest.raises(ValueError, match="damaged"), OneAhead(items(), stop=_nothing) as ahead:
        seen.extend(ahead)
    assert seen == [1]


def test_a_caller_that_leaves_early_stops_the_iterator_and_its_thread():
    stopped = threading.Event()

    def items():
        yield 0
        while not stopped.wait(0.01):
            pass
        yield 1

    def leave_at_the_first():
        with OneAhead(items(), stop=stopped.set) as ahead:
            for _ in ahead:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave_at_the_first()
    assert not any(thread.name == "one-ahead" for thread in threading.enumerate())


def test_processor_time_of_the_thread_is_reported():
    def items():
        ends = time.thread_time() + 0.05
        while time.thread_time() < ends:
            pass
        yield 0

    with OneAhead(items(), stop=_nothing) as ahead:
        list(ahead)
    assert ahead.cpu_seconds >= 0.05


_PATIENT_PROGRAM = """
import json, os, re, sys, time
if '--version' in sys.argv: print('wikiextractor 3.1.0'); sys.exit()
text = open(sys.argv[1]).read()
ends = time.monotonic() + 30
while 'WAITS' in text and not os.path.exists({flag!r}):
    if time.monotonic() > ends: sys.exit('the next block was never prepared')
    time.sleep(0.01)
out = sys.argv[sys.argv.index('-o') + 1] + '/AA'; os.mkdir(out)
with open(out + '/wiki_00', 'w') as file:
    for number in re.findall(r'<id>(\\d+)</id>\\n    <rev', text):
        print(json.dumps(dict(id=number, url='', title='', text='x')), file=file)
"""


def test_the_next_block_is_prepared_while_the_program_works(make_work, tmp_path, monkeypatch):
    """The program works on the first block until a page of the second one was prepared."""
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
    monkeypatch.setattr(wikiextractor, "find_program", lambda name: script)
    monkeypatch.setattr(wikipedia_extract, "_BLOCK_BYTES", 1)
    write_dump(tmp_path / "in", page(1, "One", "WAITS") + page(2, "Two", "SECOND"))
    _, outcome = run_extract(make_work, tmp_path / "in")
    assert outcome.counts["documents"] == 2


def test_damage_in_a_later_block_is_the_error_of_the_stage(make_work, tmp_path, monkeypatch):
    monkeypatch.setattr(wikipedia_extract, "_BLOCK_BYTES", 1)
    write_dump(tmp_path / "in", page(1, "One") + page(2, "Two") + "<page><title>x</page>")
    with pytest.raises(DataError, match="no well-formed XML"):
        run_extract(make_work, tmp_path / "in")
    assert not any(thread.name == "one-ahead" for thread in threading.enumerate())
