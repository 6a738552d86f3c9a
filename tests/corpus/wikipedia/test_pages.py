"""Hostile XML and bzip2: bounded memory, one line that names the place, only errors of ours."""

import bz2
import random
import tracemalloc

import pytest

from tests.corpus.wikipedia.small_dumps import SITE, page, write_dump
from xlm.corpus.text_files.bzip2 import read_bz2
from xlm.corpus.wikipedia import frames as wiki_frames
from xlm.corpus.wikipedia.markup.limits import hostile_reason
from xlm.corpus.wikipedia.markup.prepare import Preparation
from xlm.corpus.wikipedia.markup.surrogates import mended
from xlm.corpus.wikipedia.pages import PageReader
from xlm.errors import DataError, XlmError


def _refusal(tmp_path, xml):
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(bz2.compress(xml if isinstance(xml, bytes) else xml.encode()))
    with pytest.raises(DataError) as caught:
        list(PageReader(path))
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 800
    assert "--refresh" not in line
    return line


GOOD = page(1, "One")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<ns>0</ns>", f"<ns>{'9' * 10_000}</ns>"),
        ("<ns>0</ns>", "<ns>²</ns>"),
        ("<ns>0</ns>", "<ns>٣</ns>"),
        ("<id>2</id>", "<id>1\n2</id>"),
        ("<id>2</id>", f"<id>{'1' * 5000}</id>"),
        ("<id>2</id>", "<id>x</id>"),
        ("<title>Two</title>", f"<title>{'T' * 100_000}</title>"),
        ("<title>Two</title>", ""),
        ("</title>", "</heading>"),
        ("</page>", "</page><stray/>"),
        ("<revision>", "<revision>&bomb;"),
        ("<revision>", "<revision>\x00"),
    ],
)
def test_a_page_of_unusual_form_is_named_with_its_place(tmp_path, old, new):
    xml = SITE + GOOD + page(2, "Two").replace(old, new, 1) + "</mediawiki>"
    line = _refusal(tmp_path, xml)
    assert "at byte " in line
    offset = int(line.split("at byte ")[1].split(" ")[0].rstrip(",").replace(",", ""))
    assert len(SITE) + len(GOOD) - 10 <= offset <= len(xml.encode())


@pytest.mark.parametrize("bad", [b"\xff", b"&bomb;", b"&#1;", b"\x00"])
@pytest.mark.parametrize("before", [b"", SITE.encode(), SITE.encode() + GOOD.encode()])
def test_the_byte_is_that_of_the_fault(tmp_path, before, bad):
    """The number of a line would be counted from the page, of which no reader knows the place."""
    text = before or SITE.encode()[:-20]
    text += page(2, "Two", "xx ").encode().removesuffix(b"</page>\n")[:-60] if before else b""
    line = _refusal(tmp_path, text + bad + b"</page></mediawiki>")
    assert f"at byte {len(text):,} of its XML" in line
    assert "column" not in line


def test_the_page_is_named_by_its_title(tmp_path):
    xml = SITE + page(2, "Lost one").replace("</ns>", "")
    assert "the page 'Lost one'" in _refusal(tmp_path, xml)


@pytest.mark.parametrize("xml", ["<page></page>", SITE + "</mediawiki>" + GOOD, GOOD + SITE])
def test_pages_outside_of_the_root_are_refused(tmp_path, xml):
    _refusal(tmp_path, xml)


def test_a_page_in_a_page_is_refused(tmp_path):
    assert "byte" in _refusal(tmp_path, SITE + "<page>" + GOOD + "</mediawiki>")


@pytest.mark.slow
@pytest.mark.parametrize("place", ["title", "id", "attribute", "header"])
def test_text_without_end_does_not_enter_memory(tmp_path, monkeypatch, place):
    monkeypatch.setattr(wiki_frames, "MAX_PAGE_BYTES", 1 << 20)
    monkeypatch.setattr(wiki_frames, "_MAX_HEADER_BYTES", 1 << 20)
    compressor = bz2.BZ2Compressor(1)
    noise = random.Random(1).randbytes(1 << 19).hex().encode()
    begin = {
        "title": SITE + "<page><title>",
        "id": SITE + "<page><title>t</title><ns>0</ns><id>",
        "attribute": SITE + '<page a="',
        "header": SITE,
    }[place]
    with (tmp_path / "dump.xml.bz2").open("wb") as file:
        file.write(compressor.compress(begin.encode()))
        for _ in range(12):
            file.write(compressor.compress(noise))
        file.write(compressor.flush())
    tracemalloc.start()
    with pytest.raises(DataError):
        list(PageReader(tmp_path / "dump.xml.bz2"))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 8 << 20


def test_pages_are_found_wherever_chunks_are_cut(tmp_path, monkeypatch):
    path = write_dump(tmp_path, *(page(n, f"P{n}", "x &lt;page&gt; " * n) for n in range(30)))
    whole = list(PageReader(path))
    assert len(whole) == 30
    monkeypatch.setattr("xlm.corpus.text_files.bzip2._CHUNK_BYTES", 7)
    assert list(PageReader(path)) == whole


def _damage(chance, content):
    content = bytearray(content)
    for _ in range(chance.randint(1, 2)):
        place = chance.randrange(len(content) + 1)
        match chance.randrange(4):
            case 0:
                del content[place : place + chance.randint(1, 40)]
            case 1:
                content[place:place] = chance.choice(_PIECES)
            case 2:
                content[place : place + 4] = chance.randbytes(4)
            case _:
                content = content[:place] or content
    return bytes(content)


_PIECES = [
    b"<page>", b"</page>", b"<text>", b"</text>", b"<title>", b"</mediawiki>", b"<!--", b"-->",
    b"<![CDATA[", b"<!DOCTYPE x>", b"&#xD800;", b"&amp;#xD800;", b"\x00", b"\xff\xfe", b"<id>",
    b"-{", b"}-", b"zh-cn:", b"{{CURRENTYEAR}}", b"&lt;ruby&gt;", b"&lt;score&gt;", b"\xef\xbb\xbf",
    b"&lt;nowiki&gt;", b"\n!", b"\n|", b"=" * 400, b"<redirect", b'"', b"9" * 5000,
]  # fmt: skip
_RUNS = 1000


@pytest.mark.slow
def test_fuzz_the_page_reader_and_the_rules(tmp_path):
    chance = random.Random(11)
    text = "-{zh-cn:a;zh-tw:b}- &lt;ce&gt;x&lt;/ce&gt; {{LOCALYEAR}} &amp;#xD800;\n! a\n| b"
    good = (SITE + page(1, "One", text) + page(2, "Two", text) + "</mediawiki>").encode()
    rules = Preparation(language="zh", dump_date="20261101", variant="zh-hans", templates=False)
    path = tmp_path / "dump.xml.bz2"
    messages = []
    whole = 0
    for _ in range(_RUNS):
        path.write_bytes(bz2.compress(_damage(chance, good), 1))
        try:
            for found, frame in PageReader(path).frames():
                prepared = rules.page(frame.content, article=found.is_article)
                assert rules.page(prepared.content, article=True).content
            whole += 1
        except XlmError as error:
            messages.append(str(error))
    print(f"page reader and rules: {_RUNS} inputs, {whole} read, {len(messages)} refused")
    assert not any("\n" in message for message in messages)
    assert min(len(messages), whole) > 50


def test_fuzz_the_bzip2_reader(tmp_path):
    chance = random.Random(12)
    good = bz2.compress(b"one" * 5000, 1) + bz2.compress(b"two", 1) + bz2.compress(b"", 1)
    path = tmp_path / "a.bz2"
    messages = []
    whole = 0
    for _ in range(_RUNS):
        path.write_bytes(_damage(chance, good))
        try:
            assert all(map(len, read_bz2(path)))
            whole += 1
        except DataError as error:
            messages.append(str(error))
    print(f"bzip2 reader: {_RUNS} inputs, {whole} read, {len(messages)} refused")
    assert not any("\n" in message for message in messages)
    assert len(messages) > 500


def test_fuzz_surrogates_and_limits():
    chance = random.Random(13)
    for _ in range(_RUNS * 2):
        text = b"".join(chance.choices([*_PIECES, b"&amp;#55296;", b"&amp;#xDFFF;"], k=12))
        once = mended(text)
        assert mended(once) == once
        assert b"#xD800;" not in once.replace(b"&#xD800;", b"")
        hostile_reason(text.decode(errors="replace"))
