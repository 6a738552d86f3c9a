"""The cleaner equals wikiextractor on the 15 mini dumps and the 15 mirror dumps, line by line."""

import bz2
import re

import pytest

from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.corpus.wikipedia.documents import clean_lines
from xlm.corpus.wikipedia.wikitext.page import PageCleaner
from xlm.corpus.wikipedia.wikitext.site import Site

_PAGE = re.compile(r"<page>.*?</page>", re.DOTALL)
_TITLE = re.compile(r"<title>([^<]*)</title>")
_TEXT = re.compile(r"<text[^<>]*>([^<]*)</text>")


def _lines(dump, language):
    cleaner = PageCleaner(Site(language=language, dump_date="20261101"))
    for page in _PAGE.findall(bz2.decompress(dump.read_bytes()).decode()):
        if "<ns>0</ns>" in page and "<redirect" not in page:
            title = _TITLE.search(page)[1]
            text = _TEXT.search(page)
            yield from clean_lines([title, *cleaner.lines(title, text[1] if text else "")])


def _compare(dump, golden, language):
    expected = golden.read_text(encoding="utf-8").split("\n")[:-1]
    assert len(expected) > 3
    assert list(_lines(dump, language)) == expected


@pytest.mark.parametrize("language", XNLI_LANGUAGES)
def test_the_lines_of_the_mini_dumps_equal_the_golden_files(shared, language):
    dump = shared / "golden" / "minidumps" / f"{language}wiki.xml.bz2"
    _compare(dump, shared / "golden" / "wikiextractor" / f"{language}.all.raw", language)


@pytest.mark.parametrize("language", XNLI_LANGUAGES)
def test_the_lines_of_the_mirror_dumps_equal_the_golden_files(shared, language):
    folder = shared / "mirror" / "dumps.wikimedia.org" / f"{language}wiki" / "20261101"
    (dump,) = folder.glob("*multistream.xml.bz2")
    _compare(dump, shared / "golden" / "wikiextractor_mirror" / f"{language}.all.raw", language)
