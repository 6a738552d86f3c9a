"""Hostile pages: time grows with the length of the page, and nothing nests too deep."""

from xml.sax.saxutils import escape

import pytest

from tests.growth import assert_linear
from xlm.corpus.wikipedia.wikitext.page import PageCleaner
from xlm.corpus.wikipedia.wikitext.site import Site

_CLEANER = PageCleaner(Site(language="en", dump_date="20261101"))
_MARKS = (
    "{{", "[[", "<ref>", "'''", "''", "{|", "}}", "]]", "{{{", "[[[", "<!--", "<ref a ", "<br ",
    "<math>", "[//a", "=", "==a==\n", "&", "{{lc:", "{{#if:x|", "{{a|", '""', "<ref 'a\" ",
    "</<b>ref>", "{{lc:A}}", "[[A|b]]", "<table><ref>", " ", "(", "\n.\n",
)  # fmt: skip
_PAIRS = (
    ("{{#if:x|", "", "}}"), ("{{a|", "", "}}"), ("[[a|", "", "]]"), ("<ref>", "", "</ref>"),
    ("{|", "", "|}"), ("<ref a ", '">"', ""), ("<b ", ">", ""), ("{{#expr:", "1", "}}"),
    ('<ref x=">" ', ">", ""), ('<nowiki x=">" ', ">", ""), ('<ref name="a', ">", "</ref>"),
)  # fmt: skip


@pytest.mark.parametrize("mark", _MARKS)
def test_a_repeated_mark_takes_linear_time(mark):
    assert_linear(lambda count: _CLEANER.clean("T", escape(mark * count), "20261101"), 80_000)


@pytest.mark.parametrize(("opening", "middle", "closing"), _PAIRS)
def test_nested_pairs_take_linear_time(opening, middle, closing):
    def clean(count):
        text = opening * count + middle + closing * count
        return _CLEANER.clean("T", escape(text), "20261101")

    assert_linear(clean, 40_000)
