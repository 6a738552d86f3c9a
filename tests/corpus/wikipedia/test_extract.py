"""Extraction of a dump to documents and lines."""

import bz2
import dataclasses
import shutil

import pytest

from tests.corpus.wikipedia.dumps import (
    SITE,
    documents_of,
    page,
    run_extract,
    text_of,
    write_dump,
)
from xlm.config.data.extract import ExtractWikiSlice
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.corpus.sources.downloaded_files import sole_file
from xlm.corpus.wikipedia.documents import clean_lines
from xlm.corpus.wikipedia.dump_file import DumpFile
from xlm.corpus.wikipedia.page_head import Page
from xlm.corpus.wikipedia.pages import PageReader
from xlm.errors import DataError, ToolError
from xlm.stages.data.extract_wiki import run

AS_XLM = {"titles": "original", "variant": "original"}
"""The golden files keep titles and language variants unchanged."""


def _mirror_dump(shared, make_context, code, **config):
    folder = shared / "mirror" / "dumps.wikimedia.org" / f"{code}wiki" / "20261101"
    (dump,) = folder.glob("*multistream.xml.bz2")
    context = make_context(ExtractWikiSlice(language=code, **config), code)
    inputs = context.scratch.parent / "in"
    inputs.mkdir()
    shutil.copy(dump, inputs)
    context.inputs["dump"] = inputs
    return context


@pytest.mark.slow
@pytest.mark.parametrize("code", XNLI_LANGUAGES)
def test_the_text_of_the_mirror_dumps_equals_the_golden(shared, make_context, code, engine):
    context = _mirror_dump(shared, make_context, code, engine=engine, **AS_XLM)
    result = run(context)
    golden = shared / "golden" / "wikiextractor_mirror" / f"{code}.all.raw"
    assert text_of(context.out) == golden.read_bytes().decode("utf-8")
    assert result.counts["documents"] == result.counts["articles"]
    assert result.counts["redirects"] == 3
    if engine == "wikiextractor":
        assert result.measured["peak_memory_bytes"] > 1_000_000
        assert result.measured["cpu_seconds"] > 0.01
        left = {path.name for path in context.scratch.iterdir()}
        assert left == {"records", "reports"}  # no files of the program
    assert result.counts["missing_pages"] == result.counts["dropped_pages"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("code", XNLI_LANGUAGES)
def test_the_text_of_the_mini_dumps_equals_the_golden(shared, make_context, tmp_path, code, engine):
    inputs = tmp_path / "in"
    inputs.mkdir()
    shutil.copy(shared / "golden" / "minidumps" / f"{code}wiki.xml.bz2", inputs)
    # In other languages no title has an escape and no text a variant: the defaults agree, too.
    config = AS_XLM if code in ("en", "zh") else {}
    settings = ExtractWikiSlice(language=code, engine=engine, **config)
    context = make_context(settings, code, dump=inputs)
    run(context)
    golden = (shared / "golden" / "wikiextractor" / f"{code}.all.raw").read_text("utf-8")
    text = text_of(context.out)
    assert text == golden
    if code in ("en", "zh"):
        defaults = ExtractWikiSlice(language=code, engine=engine)
        other = make_context(defaults, code, "defaults", dump=inputs)
        run(other)
        lines = text_of(other.out).split("\n")
        changed = [
            (old, new) for old, new in zip(golden.split("\n"), lines, strict=True) if old != new
        ]
        assert changed
        assert all(("&amp;" in old) or ("-{" in old) for old, _ in changed)
        assert not any(("&amp;" in new) or ("-{" in new) for _, new in changed)


def test_documents_have_id_title_url_and_text(make_context, tmp_path, engine):
    write_dump(tmp_path / "in", page(12, "A &amp; B", "First.\n\nSecond &amp;amp; third."))
    context, result = run_extract(make_context, tmp_path / "in", engine)
    assert text_of(context.out).startswith("A & B\n")
    config = {"titles": "original", "documents": True}
    context, result = run_extract(make_context, tmp_path / "in", engine, **config)
    assert documents_of(context.out) == [
        {
            "id": "12",
            "title": "A & B",
            "url": "https://en.wikipedia.org/wiki?curid=12",
            "text": "First.\nSecond & third.",
        }
    ]
    assert text_of(context.out) == "A &amp; B\nFirst.\nSecond & third.\n"
    assert result.counts["lines"] == 3


@pytest.mark.slow
def test_the_number_of_processes_does_not_change_the_text(shared, make_context, engine):
    context = _mirror_dump(shared, make_context, "en", engine=engine)
    run(dataclasses.replace(context, workers=3))
    golden = shared / "golden" / "wikiextractor_mirror" / "en.all.raw"
    assert text_of(context.out) == golden.read_bytes().decode("utf-8")
    assert not (context.logs / "missing_pages.tsv").exists()


@pytest.mark.slow
def test_redirects_and_other_namespaces_are_skipped(make_context, tmp_path, engine):
    pages = (
        page(1, "Kept"),
        page(2, "Gone", "#REDIRECT [[Kept]]", redirect="Kept"),
        page(3, "Template:Box", "box", ns=10),
        page(4, "Category:Things", "things", ns=14),
    )
    write_dump(tmp_path / "in", "".join(pages))
    context, result = run_extract(make_context, tmp_path / "in", engine)
    assert text_of(context.out).split("\n")[0] == "Kept"
    assert result.counts["documents"] == result.counts["articles"] == 1
    assert (result.counts["redirects"], result.counts["other_namespaces"]) == (1, 2)


def test_an_article_named_like_the_template_namespace_is_not_lost(make_context, tmp_path, engine):
    """wikiextractor 3.1.0 drops it silently when the namespace keeps its name."""
    write_dump(tmp_path / "in", page(1, "Template processor") + page(2, "Other"))
    context, result = run_extract(make_context, tmp_path / "in", engine)
    assert result.counts["documents"] == 2
    assert result.counts["missing_pages"] == 0
    assert "Template processor" in text_of(context.out)


@pytest.mark.slow
@pytest.mark.parametrize(
    "reference", ["&amp;#xD800;", "&amp;#0057343;", "&amp;#xd83d;&amp;#xde00;"]
)
def test_a_reference_to_a_surrogate_loses_no_page(make_context, tmp_path, reference, engine):
    """wikiextractor would hang, or lose all following pages."""
    streams = [
        page(1, "Before"),
        page(2, "Odd", f"One {reference} two."),
        page(3, "Behind"),
    ]
    write_dump(tmp_path / "in", *streams)
    context, result = run_extract(make_context, tmp_path / "in", engine)
    assert (result.counts["documents"], result.counts["missing_pages"]) == (3, 0)
    replaced = "\ufffd" * reference.count("#")
    assert f"One {replaced} two.\n" in text_of(context.out)


def test_adjacent_pages_with_one_id_are_counted_and_named(make_context, tmp_path, engine):
    """wikiextractor 3.1.0 drops the second of them silently."""
    write_dump(
        tmp_path / "in",
        page(1, "One") + page(5, "Two") + page(5, "Twin") + page(7, "Last"),
    )
    context, result = run_extract(make_context, tmp_path / "in", engine)
    assert result.counts["missing_pages"] == 1
    assert result.counts["documents"] == 3
    assert (context.logs / "missing_pages.tsv").read_text() == "5\tTwin\n"


@pytest.mark.slow
def test_more_lost_pages_than_allowed_are_an_error(make_context, tmp_path, engine):
    pages = [page(1, "One")]
    for number in range(5, 10):
        pages += [page(number, f"First {number}"), page(number, f"Twin {number}")]
    write_dump(tmp_path / "in", "".join(pages))
    with pytest.raises(ToolError, match=r"lost 5 of 11 articles \(1 allowed\).*'Twin 5' \(5\)"):
        run_extract(make_context, tmp_path / "in", engine)
    _, result = run_extract(make_context, tmp_path / "in", engine, missing_pages=0.5)
    assert result.counts["missing_pages"] == 5


def test_the_last_lost_page_is_counted_too(make_context, tmp_path, engine):
    write_dump(tmp_path / "in", page(1, "One") + page(5, "Two") + page(5, "Twin"))
    _, result = run_extract(make_context, tmp_path / "in", engine)
    assert result.counts["missing_pages"] == 1


@pytest.mark.slow
def test_a_head_without_closing_tag_keeps_all_its_pages(make_context, tmp_path, engine):
    streams = [page(1, "One"), page(2, "Two")]
    write_dump(tmp_path / "in", *streams, closed=False)
    context, result = run_extract(make_context, tmp_path / "in", engine)
    assert result.counts["documents"] == 2
    complete = tmp_path / "whole"
    write_dump(complete, *streams)
    settings = ExtractWikiSlice(language="en", engine=engine)
    other = make_context(settings, "en", "other", dump=complete)
    run(other)
    assert text_of(context.out) == text_of(other.out)


def test_text_is_plain_as_readers_see_it(make_context, tmp_path, engine):
    text = "Smith &amp; Sons sold 3 kg when 3 &lt; 4 and 5 &gt; 2, and AT&amp;amp;T wrote a note."
    plain = "Smith & Sons sold 3 kg when 3 < 4 and 5 > 2, and AT&T wrote a note."
    write_dump(tmp_path / "in", page(1, "1 &lt; 2 &amp; &quot;3&quot;", text))
    context, _ = run_extract(make_context, tmp_path / "in", engine, documents=True)
    assert text_of(context.out) == f'1 < 2 & "3"\n{plain}\n'
    assert [row["text"] for row in documents_of(context.out)] == [plain]


@pytest.mark.slow
@pytest.mark.parametrize("lesser", ["&lt;", "&amp;lt;", "&amp;#60;", "&amp;amp;lt;"])
def test_text_like_document_tags_does_not_end_a_document(make_context, tmp_path, lesser, engine):
    forged = f'{lesser}doc id="2" url="u" title="Forged"&gt;'
    text = f"Before.\n\n{lesser}/doc&gt;\n\n{forged}\n\nAfter."
    write_dump(tmp_path / "in", page(1, "Tags", text) + page(2, "Next"))
    context, result = run_extract(make_context, tmp_path / "in", engine, documents=True)
    assert result.counts["documents"] == 2
    documents = documents_of(context.out)
    assert [row["title"] for row in documents] == ["Tags", "Next"]
    assert "After." in documents[0]["text"]


def test_clean_lines_drops_the_same_lines_as_xlm():
    lines = ("Title", "", " \t", "<doc id=3", "ends in </doc>", "<doc stays", "text ")
    assert clean_lines(lines) == ["Title", "<doc stays", "text "]


@pytest.mark.slow
def test_templates_may_be_expanded(make_context, tmp_path):
    pages = page(3, "Template:Box", "expanded", ns=10) + page(4, "Uses", "A {{Box}} B")
    write_dump(tmp_path / "in", pages)
    context, _ = run_extract(make_context, tmp_path / "in", "wikiextractor", templates=True)
    assert "A expanded B" in text_of(context.out)


def test_a_dump_without_articles_is_refused(make_context, tmp_path, engine):
    write_dump(tmp_path / "in", page(3, "Template:Box", "box", ns=10))
    with pytest.raises(DataError, match="contains no article of en"):
        run_extract(make_context, tmp_path / "in", engine)


def test_a_truncated_dump_is_refused(make_context, tmp_path, engine):
    path = write_dump(tmp_path / "in", page(1, "One"))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match="truncated bzip2 file"):
        run_extract(make_context, tmp_path / "in", engine)


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        (SITE + "<page><title>cut", "ends inside a page"),
        ("", "not well-formed XML|not a MediaWiki export"),
        ("<html></html>", "its root is <html>"),
        (SITE + "<page></mediawiki>", "not well-formed XML"),
        (SITE + page(1, "One") + "</mediawiki><more>", "not well-formed XML"),
        (
            SITE + "<page><title>t</title><id>1</id></page></mediawiki>",
            "without a valid title, ns or id",
        ),
        ('<!DOCTYPE lolz [<!ENTITY lol "lol">]><mediawiki>&lol;</mediawiki>', "declares"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><mediawiki/>', "declares"),
        ("<mediawiki>&undeclared;</mediawiki>", "not well-formed XML"),
    ],
)
def test_other_xml_is_refused(tmp_path, xml, why):
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(bz2.compress(xml.encode()))
    with pytest.raises(DataError, match=why) as caught:
        list(PageReader(DumpFile.open(path)))
    assert "\n" not in str(caught.value)


def test_pages_are_listed_without_their_text(tmp_path):
    text = "x" * 100_000
    path = write_dump(
        tmp_path,
        page(1, "A &lt;b&gt;", text),
        page(2, "R", redirect="A"),
        page(3, "C:x", ns=14),
    )
    assert list(PageReader(DumpFile.open(path))) == [
        Page("1", "A <b>", 0, False),
        Page("2", "R", 0, True),
        Page("3", "C:x", 14, False),
    ]


def test_the_only_matching_file_is_found(tmp_path):
    with pytest.raises(DataError, match=r"expected one file \*\.zip, found none"):
        sole_file(tmp_path, "*.zip")
    (tmp_path / "a.zip").touch()
    assert sole_file(tmp_path, "*.zip").name == "a.zip"
    (tmp_path / "b.zip").touch()
    with pytest.raises(DataError, match=r"found a\.zip, b\.zip"):
        sole_file(tmp_path, "*.zip")
