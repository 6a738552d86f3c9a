"""The identity of a page, read from its first elements as MediaWiki writes them.

Passing every element of a page through Python takes longer than parsing it. `identify` only lets
expat check that the page is well-formed, and finds the three values itself.
"""

import re
from dataclasses import dataclass
from xml.parsers import expat

_HEAD = re.compile(
    rb"<page>\s*<title>([^<&\r]{0,1024})</title>\s*<ns>(-?[0-9]{1,9})</ns>\s*"
    rb"<id>([0-9]{1,18})</id>\s*(<redirect\s[^<>]*/>)?"
)
_REDIRECT = b"<redirect"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a dump."""

    id: str
    title: str
    namespace: int
    redirect: bool

    @property
    def is_article(self) -> bool:
        """Whether the page is in namespace 0 and is not a redirect."""
        return self.namespace == 0 and not self.redirect


def identify(content: bytes) -> Page | None:
    """The page, if its XML is well-formed and begins as usual; None if it must be parsed."""
    head = _HEAD.match(content)
    if head is None or content.find(_REDIRECT, head.end()) >= 0:
        return None
    try:
        expat.ParserCreate("UTF-8").Parse(content, True)
    except expat.ExpatError:
        return None
    title, namespace, number, redirect = head.groups()
    return Page(number.decode(), title.decode(), int(namespace), redirect is not None)
