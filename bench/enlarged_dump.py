"""Enlarges real dumps: their articles are repeated with new ids, titles and words.

pages = write_enlarged([mirror_dump], 60, Path("in/enwiki-20261101-pages-articles.xml.bz2"))

Articles are cut at headings to pages of about 10 kB. In each copy one in eight lower-case words is
another one, so that no cache helps more than on real text. Every third page is a redirect. A stream
has 100 pages, as in the dumps of Wikimedia.
"""

import bz2
import itertools
import random
import re
from collections.abc import Iterator
from pathlib import Path

PAGES_PER_STREAM = 100
_PAGE_CHARACTERS = 10_000
_CHANGED = 1 / 8
_WORD = re.compile(r"(?<= )[a-z]{4,12}(?=[ ,.])")
_SYLLABLES = [a + b for a in "bcdfghjklmnprstvz" for b in "aeiou"]
_PAGE = re.compile(r"(  <page>.*?<text[^>]*>)(.*?)(</text>.*?</page>\n)", re.DOTALL)
_REDIRECT = """  <page>
    <title>{title}</title>
    <ns>0</ns>
    <id>{number}</id>
    <redirect title="Target" />
    <revision>
      <id>{number}</id>
      <model>wikitext</model>
      <text bytes="20" xml:space="preserve">#REDIRECT [[Target]]</text>
    </revision>
  </page>
"""


def write_enlarged(dumps: list[Path], megabytes: float, path: Path) -> int:
    """Write a multistream dump of so many MB of XML; returns the number of pages."""
    header, articles = _articles(dumps)
    pages = _copies(articles)
    number_of_pages = size_bytes = 0
    with path.open("wb") as file:
        file.write(bz2.compress(header.encode()))
        while size_bytes < megabytes * 1e6:
            stream = "".join(itertools.islice(pages, PAGES_PER_STREAM)).encode()
            number_of_pages += PAGES_PER_STREAM
            size_bytes += len(stream)
            file.write(bz2.compress(stream))
        file.write(bz2.compress(b"</mediawiki>\n"))
    return number_of_pages


def _articles(dumps: list[Path]) -> tuple[str, list[tuple[str, str, str]]]:
    """The header of the first dump; of every article the XML before, in and after its text."""
    header, articles = "", []
    for dump in dumps:
        xml = bz2.decompress(dump.read_bytes()).decode()
        header = header or xml[: xml.index("  <page>")]
        for before, text, after in _PAGE.findall(xml):
            if "<ns>0</ns>" in before and "<redirect" not in before:
                articles += [(before, part, after) for part in _cut(text)]
    return header, articles


def _cut(text: str) -> Iterator[str]:
    page = ""
    for section in re.split(r"(?m)(?=^==[^=])", text):
        if page and len(page) + len(section) > _PAGE_CHARACTERS:
            yield page
            page = ""
        page += section
    yield page


def _copies(articles: list[tuple[str, str, str]]) -> Iterator[str]:
    chance = random.Random(7)
    numbers = itertools.count(1)
    for before, text, after in itertools.cycle(articles):
        number = next(numbers)
        title = f"Page {_invented(number)} {number}"
        head = re.sub(r"<id>\d+</id>", f"<id>{number}</id>", before, count=1)
        head = re.sub(r"<title>.*?</title>", f"<title>{title}</title>", head, count=1)
        yield head + with_other_words(text, chance) + after
        if number % 3 == 2:
            number = next(numbers)
            yield _REDIRECT.format(title=f"{_invented(number)} {number}", number=number)


def with_other_words(text: str, chance: random.Random, changed: float = _CHANGED) -> str:
    """Replace this share of the lower-case words by invented ones."""

    def other(match: re.Match[str]) -> str:
        if (drawn := chance.random()) >= changed:
            return match[0]
        # The ranks have a long tail, so the number of different words grows with the dump.
        return _invented(int(200 * max(drawn / changed, 1e-9) ** -1.55))

    return _WORD.sub(other, text)


def _invented(number: int) -> str:
    letters = []
    number += 100
    while number:
        number, rest = divmod(number, len(_SYLLABLES))
        letters.append(_SYLLABLES[rest])
    return "".join(letters)
