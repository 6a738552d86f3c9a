"""Dumps in every form: single streams, plain XML, UTF-16, heads of dumps, damaged and hostile."""

import bz2
import codecs

import pytest

from tests.corpus.wikipedia.dumps import SITE, page, run_extract, text_of, write_dump
from xlm.corpus.wikipedia.dump import cut_to_complete_streams
from xlm.corpus.wikipedia.dump_file import DumpFile
from xlm.corpus.wikipedia.parts import extraction
from xlm.errors import DataError

TEXT = "Ünï 中文 🙂 end."
PAGES = [page(number, f"Title {number} é", f"{TEXT} {number}") for number in range(1, 9)]
XML = SITE + "".join(PAGES) + "</mediawiki>\n"
EXPECTED = "".join(f"Title {number} é\n{TEXT} {number}\n" for number in range(1, 9))
DECLARED = '<?xml version="1.0" encoding="utf-16"?>\n'
FORMS = {
    "xml": XML.encode(),
    "xml with BOM": codecs.BOM_UTF8 + XML.encode(),
    "xml after blanks": b"\n  " + XML.encode(),
    "one stream": bz2.compress(XML.encode()),
    "one stream with BOM": bz2.compress(codecs.BOM_UTF8 + XML.encode()),
    "a page in two streams": bz2.compress(XML.encode()[:1500]) + bz2.compress(XML.encode()[1500:]),
    "empty streams": bz2.compress(b"") + bz2.compress(XML.encode()) + bz2.compress(b""),
    "utf-16": (DECLARED + XML).encode("utf-16"),
    "utf-16 big endian": codecs.BOM_UTF16_BE + XML.encode("utf-16-be"),
    "utf-16 in streams": bz2.compress(XML.encode("utf-16")[:999])
    + bz2.compress(XML.encode("utf-16")[999:]),
}


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr(extraction, "LEAST_BYTES", 100)
    monkeypatch.setattr(extraction, "_PROGRAM_LEAST_BYTES", 400)


def _write(folder, content, name="enwiki-20261101-pages-articles-multistream.xml.bz2"):
    folder.mkdir()
    (folder / name).write_bytes(content)


@pytest.mark.parametrize("form", FORMS)
def test_dumps_in_any_form_give_the_same_text(make_context, tmp_path, engine, form):
    name = f"enwiki-20261101-pages-articles.xml{'' if form.startswith('xml') else '.bz2'}"
    _write(tmp_path / "in", FORMS[form], name)
    context, result = run_extract(make_context, tmp_path / "in", engine)
    assert text_of(context.out) == EXPECTED
    assert result.counts["documents"] == 8


def test_the_head_of_a_dump_gives_the_first_pages(make_context, tmp_path, engine):
    path = write_dump(tmp_path / "in", *PAGES)
    path.write_bytes(path.read_bytes()[:-300])
    cut_to_complete_streams(path)
    context, result = run_extract(make_context, tmp_path / "in", engine)
    assert EXPECTED.startswith(text_of(context.out))
    assert 4 <= result.counts["documents"] < 8


STREAMS = [bz2.compress(part.encode()) for part in (SITE, *PAGES, "</mediawiki>\n")]
DAMAGED = {
    "garbage between streams": (
        b"".join([*STREAMS[:4], b"garbage", *STREAMS[4:]]),
        "not bzip2 data",
    ),
    "a truncated stream between others": (
        b"".join([*STREAMS[:4], STREAMS[4][:-9], *STREAMS[5:]]),
        "not bzip2 data|does not end at byte",
    ),
    "a truncated last stream": (b"".join(STREAMS)[:-5], "truncated bzip2 file"),
    "a flipped bit": (
        b"".join([*STREAMS[:4], STREAMS[4].replace(b"1AY", b"1AX"), *STREAMS[5:]]),
        "not bzip2 data",
    ),
    "a bomb": (
        b"".join([*STREAMS[:4], bz2.compress(bytes(70 << 20)), *STREAMS[4:]]),
        "unpacks to more than 200 times its size",
    ),
    "a page in a page": (
        b"".join([*STREAMS[:4], bz2.compress(b"<page>"), *STREAMS[4:]]),
        "a page inside a page",
    ),
    "streams missing inside a page": (
        bz2.compress(XML.encode()[:1500]) + bz2.compress(XML.encode()[2000:]),
        "not well-formed|a page inside a page|between pages|without a valid title",
    ),
    "an entity": (
        bz2.compress(b'<!DOCTYPE x [<!ENTITY lol "lol">]>' + XML.encode()),
        "declares a document type",
    ),
    "nothing": (b"", "truncated bzip2 file"),
    "neither XML nor bzip2": (b"PK" + bytes(50), "not bzip2 data"),
    "lone surrogates": (
        XML.encode("utf-16").replace(TEXT[-2].encode("utf-16-le"), b"\x00\xd8", 1),
        "is not valid UTF-16",
    ),
    "half a character": ((XML.encode("utf-16") + b"\n"), "is not valid UTF-16"),
}


@pytest.mark.parametrize("form", DAMAGED)
def test_damaged_dumps_are_refused_in_one_line(make_context, tmp_path, engine, form):
    content, why = DAMAGED[form]
    _write(tmp_path / "in", content)
    with pytest.raises(DataError, match=why) as caught:
        run_extract(make_context, tmp_path / "in", engine)
    assert "\n" not in str(caught.value)


def test_the_name_of_a_dump_does_not_decide_its_form(tmp_path):
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(XML.encode())
    dump = DumpFile.open(path)
    assert not dump.is_bzip2
    assert b"".join(dump.read()) == XML.encode()
