"""Writes the articles of one language as a complete Wikipedia dump, as the real server has it.

    write_wikipedia(mirror, "sw", [("Title", ["A paragraph."])], date="20261101")

writes `dumps.wikimedia.org/swwiki/20261101/` with the multistream dump (header stream, streams of
pages, footer stream), its index, both checksum lists and `dumpstatus.json`. Export schema 0.11
(https://www.mediawiki.org/xml/export-0.11.xsd). A template, a category and a redirect come first,
to test the rules that drop them.
"""

import bz2
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

HOST = "dumps.wikimedia.org"
LICENCE = "Apache-2.0"
"""Licence of the synthetic text, which this project owns."""

_EXPORT = "http://www.mediawiki.org/xml/export-0.11"
_SERVICE_PAGE = "Sample world"
_FIRST_ARTICLE_ID = 1000
_NAMESPACES = {
    -2: "Media", -1: "Special", 0: "", 1: "Talk", 2: "User", 3: "User talk", 4: "Wikipedia",
    5: "Wikipedia talk", 6: "File", 7: "File talk", 8: "MediaWiki", 9: "MediaWiki talk",
    10: "Template", 11: "Template talk", 12: "Help", 13: "Help talk", 14: "Category",
    15: "Category talk",
}  # fmt: skip
# The names of namespaces 10 and 14 in each wiki; the extractor reads them from siteinfo.
_TEMPLATE_AND_CATEGORY = {
    "ar": ("قالب", "تصنيف"), "bg": ("Шаблон", "Категория"), "de": ("Vorlage", "Kategorie"),
    "el": ("Πρότυπο", "Κατηγορία"), "es": ("Plantilla", "Categoría"),
    "fr": ("Modèle", "Catégorie"), "hi": ("साँचा", "श्रेणी"), "ru": ("Шаблон", "Категория"),
    "sw": ("Kigezo", "Jamii"), "th": ("แม่แบบ", "หมวดหมู่"), "tr": ("Şablon", "Kategori"),
    "ur": ("سانچہ", "زمرہ"), "vi": ("Bản mẫu", "Thể loại"),
}  # fmt: skip


@dataclass(frozen=True)
class _Page:
    title: str
    namespace: int
    page_id: int
    text: str
    redirect: str = ""


def write_wikipedia(
    mirror: Path,
    language: str,
    articles: Iterable[tuple[str, Sequence[str]]],
    *,
    date: str,
    pages_per_stream: int = 100,
) -> dict[str, int]:
    """Write the dump of `language` and return its counts (pages, streams, bytes).

    Args:
        articles: (title, paragraphs) with unique titles and paragraphs of plain text.
        date: date of the dump, YYYYMMDD, and of every revision.
    """
    wiki = f"{language}wiki"
    folder = mirror / HOST / wiki / date
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{wiki}-{date}-pages-articles-multistream"
    streams = [_compress(_header(language, wiki))]
    index: list[str] = []
    offset = len(streams[0])
    pages = list(_pages(language, articles))
    for start in range(0, len(pages), pages_per_stream):
        chunk = pages[start : start + pages_per_stream]
        stream = _compress("".join(_page_xml(page, date) for page in chunk))
        index += [f"{offset}:{page.page_id}:{escape(page.title)}\n" for page in chunk]
        streams.append(stream)
        offset += len(stream)
    streams.append(_compress("</mediawiki>\n"))
    files = {
        f"{stem}.xml.bz2": b"".join(streams),
        f"{stem}-index.txt.bz2": _compress("".join(index)),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    _write_checksums(folder, f"{wiki}-{date}", files)
    _write_status(folder, f"/{wiki}/{date}", date, files)
    return {"pages": len(pages), "bytes": sum(map(len, files.values()))}


def _pages(language: str, articles: Iterable[tuple[str, Sequence[str]]]) -> Iterator[_Page]:
    names = _namespaces(language)
    template, category = (f"{names[number]}:{_SERVICE_PAGE}" for number in (10, 14))
    yield _Page(template, 10, 10, "{{{1|}}}<noinclude>Every article calls this.</noinclude>")
    yield _Page(category, 14, 14, "Articles of the sample world.")
    for number, (title, paragraphs) in enumerate(articles):
        if number == 0:
            yield _Page(f"{title} (redirect)", 0, 20, f"#REDIRECT [[{title}]]", redirect=title)
        text = "\n\n".join([f"{{{{{_SERVICE_PAGE}|1}}}}", *paragraphs, f"[[{category}]]"])
        yield _Page(title, 0, _FIRST_ARTICLE_ID + number, text)


def _namespaces(language: str) -> dict[int, str]:
    names = dict(_NAMESPACES)
    if language in _TEMPLATE_AND_CATEGORY:
        names[10], names[14] = _TEMPLATE_AND_CATEGORY[language]
    return names


def _header(language: str, wiki: str) -> str:
    def namespace(key: int, name: str) -> str:
        content = f">{escape(name)}</namespace>" if name else " />"
        return f'      <namespace key="{key}" case="first-letter"{content}\n'

    names = "".join(namespace(key, name) for key, name in _namespaces(language).items())
    return (
        f'<mediawiki xmlns="{_EXPORT}/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{_EXPORT}/ {_EXPORT}.xsd" version="0.11" xml:lang="{language}">\n'
        "  <siteinfo>\n"
        "    <sitename>Wikipedia</sitename>\n"
        f"    <dbname>{wiki}</dbname>\n"
        f"    <base>https://{language}.wikipedia.org/wiki/Main_Page</base>\n"
        "    <generator>xlm sample world</generator>\n"
        "    <case>first-letter</case>\n"
        f"    <namespaces>\n{names}    </namespaces>\n"
        "  </siteinfo>\n"
    )


def _page_xml(page: _Page, date: str) -> str:
    content = page.text.encode()
    digest = _base36(hashlib.sha1(content, usedforsecurity=False).digest())
    redirect = f'    <redirect title="{_attribute(page.redirect)}" />\n' if page.redirect else ""
    return (
        "  <page>\n"
        f"    <title>{escape(page.title)}</title>\n"
        f"    <ns>{page.namespace}</ns>\n"
        f"    <id>{page.page_id}</id>\n"
        f"{redirect}"
        "    <revision>\n"
        f"      <id>{page.page_id}</id>\n"
        f"      <timestamp>{_day(date)}T00:00:00Z</timestamp>\n"
        "      <contributor>\n        <username>xlm-sample-world</username>\n"
        "        <id>1</id>\n      </contributor>\n"
        f"      <origin>{page.page_id}</origin>\n"
        "      <model>wikitext</model>\n"
        "      <format>text/x-wiki</format>\n"
        f'      <text bytes="{len(content)}" sha1="{digest}" xml:space="preserve">'
        f"{escape(page.text)}</text>\n"
        f"      <sha1>{digest}</sha1>\n"
        "    </revision>\n"
        "  </page>\n"
    )


def _write_checksums(folder: Path, prefix: str, files: dict[str, bytes]) -> None:
    for algorithm in ("md5", "sha1"):
        lines = [f"{_digest(algorithm, content)}  {name}\n" for name, content in files.items()]
        (folder / f"{prefix}-{algorithm}sums.txt").write_bytes("".join(lines).encode())


def _write_status(folder: Path, path: str, date: str, files: dict[str, bytes]) -> None:
    described = {
        name: {
            "size": len(content),
            "url": f"{path}/{name}",
            "md5": _digest("md5", content),
            "sha1": _digest("sha1", content),
        }
        for name, content in files.items()
    }
    job = {"status": "done", "updated": f"{_day(date)} 00:00:00", "files": described}
    status = {"version": "0.8", "jobs": {"articlesmultistreamdump": job}}
    (folder / "dumpstatus.json").write_bytes(json.dumps(status, indent=1).encode())


def _compress(text: str) -> bytes:
    return bz2.compress(text.encode(), compresslevel=9)


def _digest(algorithm: str, content: bytes) -> str:
    return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()


def _day(date: str) -> str:
    return f"{date[:4]}-{date[4:6]}-{date[6:]}"


def _attribute(text: str) -> str:
    return escape(text, {'"': "&quot;"})


def _base36(digest: bytes) -> str:
    """Write a SHA-1 digest as MediaWiki does: base 36, 31 digits."""
    number = int.from_bytes(digest, "big")
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits.rjust(31, "0")
