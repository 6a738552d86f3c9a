"""Writes small Wikipedia dumps and extracts them."""

import bz2

import pyarrow.parquet as pq

from xlm.config.data.extract import ExtractWikiSlice
from xlm.stages.data.extract_wiki import run

SITE = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">\n'
    "  <siteinfo>\n    <sitename>Wikipedia</sitename>\n"
    "    <base>https://en.wikipedia.org/wiki/Main_Page</base>\n"
    '    <namespaces>\n      <namespace key="0" case="first-letter" />\n'
    '      <namespace key="10" case="first-letter">Template</namespace>\n'
    '      <namespace key="14" case="first-letter">Category</namespace>\n'
    "    </namespaces>\n  </siteinfo>\n"
)


def page(number, title, text="Some text here.", ns=0, redirect=""):
    return (
        f"  <page>\n    <title>{title}</title>\n    <ns>{ns}</ns>\n    <id>{number}</id>\n"
        + (f'    <redirect title="{redirect}" />\n' if redirect else "")
        + f"    <revision>\n      <id>{number}9</id>\n      <model>wikitext</model>\n"
        f'      <text xml:space="preserve">{text}</text>\n    </revision>\n  </page>\n'
    )


def write_dump(folder, *streams, closed=True):
    folder.mkdir(parents=True, exist_ok=True)
    parts = [SITE, *streams, *(["</mediawiki>\n"] if closed else [])]
    path = folder / "enwiki-20261101-pages-articles-multistream.xml.bz2"
    path.write_bytes(b"".join(bz2.compress(part.encode()) for part in parts))
    return path


def run_extract(make_context, folder, engine, **config):
    settings = ExtractWikiSlice(language="en", engine=engine, **config)
    context = make_context(settings, "en", dump=folder)
    return context, run(context)


def text_of(folder):
    """The lines of all parts of an extracted dump."""
    parts = sorted(folder.glob("text.*.txt"))
    return b"".join(path.read_bytes() for path in parts).decode("utf-8")


def documents_of(folder):
    """The rows of all parts of the table of documents."""
    parts = sorted(folder.glob("documents.*.parquet"))
    return [row for path in parts for row in pq.read_table(path).to_pylist()]
