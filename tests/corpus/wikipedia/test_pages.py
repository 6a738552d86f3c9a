"""Hostile XML and bzip2: bounded memory, and our own one-line errors with a position."""

import bz2
import random
import tracemalloc

import pytest

from tests.corpus.wikipedia.dumps import SITE, page, write_dump
from xlm.corpus.text_files.bzip2 import read_bz2
from xlm.corpus.wikipedia import sections
from xlm.corpus.wikipedia.dump_file import DumpFile
from xlm.corpus.wikipedia.markup.entities import replace_surrogates
from xlm.corpus.wikipedia.markup.limits import hostile_reason
from xlm.corpus.wikipedia.markup.prepare import Preparation
from xlm.corpus.wikipedia.pages import PageReader
from xlm.errors import DataError, XlmError


def _refusal(tmp_path, xml):
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(bz2.compress(xml if isinstance(xml, bytes) else xml.encode()))
    with pytest.raises(DataError) as caught:
        list(PageReader(DumpFile.open(path)))
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 800
    assert "--refresh" not in line
    return line


VALID = page(1, "One")


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
def test_an_invalid_page_is_reported_with_its_position(tmp_path, old, new):
    xml = SITE + VALID + page(2, "Two").replace(old, new, 1) + "</mediawiki>"
    line = _refusal(tmp_path, xml)
    assert "at byte " in line
    offset = int(line.split("at byte ")[1].split(" ")[0].rstrip(",").replace(",", ""))
    assert len(SITE) + len(VALID) - 10 <= offset <= len(xml.encode())


@pytest.mark.parametrize("bad", [b"\xff", b"&bomb;", b"&#1;", b"\x00"])
@pytest.mark.parametrize("before", [b"", SITE.encode(), SITE.encode() + VALID.encode()])
def test_the_position_is_that_of_the_fault(tmp_path, before, bad):
    """A line number would count from the start of the page, which a user cannot locate."""
    text = before or SITE.encode()[:-20]
    text += page(2, "Two", "xx ").encode().removesuffix(b"</page>\n")[:-60] if before else b""
    line = _refusal(tmp_path, text + bad + b"</page></mediawiki>")
    assert f"at byte {len(text):,} of its XML" in line
    assert "column" not in line


def test_the_page_is_named_by_its_title(tmp_path):
    xml = SITE + page(2, "Lost one").replace("</ns>", "")
    assert "the page 'Lost one'" in _refusal(tmp_path, xml)


@pytest.mark.parametrize("xml", ["<page></page>", SITE + "</mediawiki>" + VALID, VALID + SITE])
def test_pages_outside_the_root_are_refused(tmp_path, xml):
    assert "byte" in _refusal(tmp_path, xml)


def test_a_page_in_a_page_is_refused(tmp_path):
    assert "byte" in _refusal(tmp_path, SITE + "<page>" + VALID + "</mediawiki>")


@pytest.mark.slow
@pytest.mark.parametrize("element", ["title", "id", "attribute", "header"])
def test_endless_text_does_not_fill_memory(tmp_path, monkeypatch, element):
    monkeypatch.setattr(sections, "MAX_PAGE_BYTES", 1 << 20)
    monkeypatch.setattr(sections, "_MAX_HEADER_BYTES", 1 << 20)
    compressor = bz2.BZ2Compressor(1)
    noise = random.Random(1).randbytes(1 << 19).hex().encode()
    begin = {
        "title": SITE + "<page><title>",
        "id": SITE + "<page><title>t</title><ns>0</ns><id>",
        "attribute": SITE + '<page a="',
        "header": SITE,
    }[element]
    with (tmp_path / "dump.xml.bz2").open("wb") as file:
        file.write(compressor.compress(begin.encode()))
        for _ in range(12):
            file.write(compressor.compress(noise))
        file.write(compressor.flush())
    tracemalloc.start()
    with pytest.raises(DataError):
        list(PageReader(DumpFile.open(tmp_path / "dump.xml.bz2")))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 8 << 20


def test_pages_are_found_for_any_chunk_size(tmp_path, monkeypatch):
    path = write_dump(tmp_path, *(page(n, f"P{n}", "x &lt;page&gt; " * n) for n in range(30)))
    complete = list(PageReader(DumpFile.open(path)))
    assert len(complete) == 30
    monkeypatch.setattr("xlm.corpus.text_files.bzip2._CHUNK_BYTES", 7)
    assert list(PageReader(DumpFile.open(path))) == complete


def _damage(chance, content):
    content = bytearray(content)
    for _ in range(chance.randint(1, 2)):
        position = chance.randrange(len(content) + 1)
        match chance.randrange(4):
            case 0:
                del content[position : position + chance.randint(1, 40)]
            case 1:
                content[position:position] = chance.choice(_PIECES)
            case 2:
                content[position : position + 4] = chance.randbytes(4)
            case _:
                content = content[:position] or content
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
    valid = (SITE + page(1, "One", text) + page(2, "Two", text) + "</mediawiki>").encode()
    rules = Preparation(language="zh", dump_date="20261101", variant="zh-hans", templates=False)
    path = tmp_path / "dump.xml.bz2"
    messages = []
    complete = 0
    for _ in range(_RUNS):
        path.write_bytes(bz2.compress(_damage(chance, valid), 1))
        try:
            for found, section in PageReader(DumpFile.open(path)).sections():
                prepared = rules.page(section.content, article=found.is_article)
                assert rules.page(prepared.content, article=True).content
            complete += 1
        except XlmError as error:
            messages.append(str(error))
    print(f"page reader and rules: {_RUNS} inputs, {complete} read, {len(messages)} refused")
    assert not any("\n" in message for message in messages)
    assert min(len(messages), complete) > 50


def test_fuzz_the_bzip2_reader(tmp_path):
    chance = random.Random(12)
    valid = bz2.compress(b"one" * 5000, 1) + bz2.compress(b"two", 1) + bz2.compress(b"", 1)
    path = tmp_path / "a.bz2"
    messages = []
    complete = 0
    for _ in range(_RUNS):
        path.write_bytes(_damage(chance, valid))
        try:
            assert all(map(len, read_bz2(path)))
            complete += 1
        except DataError as error:
            messages.append(str(error))
    print(f"bzip2 reader: {_RUNS} inputs, {complete} read, {len(messages)} refused")
    assert not any("\n" in message for message in messages)
    assert len(messages) > 500


def test_fuzz_surrogates_and_limits():
    chance = random.Random(13)
    for _ in range(_RUNS * 2):
        text = b"".join(chance.choices([*_PIECES, b"&amp;#55296;", b"&amp;#xDFFF;"], k=12))
        once = replace_surrogates(text)
        assert replace_surrogates(once) == once
        assert b"#xD800;" not in once.replace(b"&#xD800;", b"")
        hostile_reason(text.decode(errors="replace"))
