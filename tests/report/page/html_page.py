"""What a page of HTML has: text, ids, tables, charts, and what it would load."""

import json
from html.parser import HTMLParser
from typing import Any

from plotly.offline import get_plotlyjs

_VOID = {"meta", "link", "br", "img", "input"}
_LOADS = {
    ("script", "src"),
    ("link", "href"),
    ("img", "src"),
    ("iframe", "src"),
    ("object", "data"),
}


class HtmlPage(HTMLParser):
    """A parsed page; parsing fails if an element is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.charts: list[dict[str, Any]] = []
        self.loads: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        # The parser is slow, and the script of the charts is nearly all of the page.
        self.feed(text.replace(get_plotlyjs(), ""))
        self.close()
        assert self._open == [], self._open

    @property
    def text(self) -> str:
        """All text that a reader sees."""
        return " ".join(self.texts)

    def ids(self) -> list[str]:
        """The ids of all elements."""
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element."""
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        self.loads += [attributes[name] for of, name in _LOADS if of == tag and name in attributes]
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Remember text, and the data of charts."""
        if self._open and self._open[-1] == "script":
            if self.tags[-1][1].get("type") == "application/json":
                self.charts.append(json.loads(data))
        elif self._open and self._open[-1] != "style" and data.strip():
            self.texts.append(data.strip())
