"""Protects the content of formulas, code and `<nowiki>`, which is not wikitext.

wikiextractor parses it as wikitext: `a<b` inside `<math>` opens a tag and removes text after it.

* It replaces formulas and `<code>` by placeholders (`formula_1`, `codice_1`), and scans the page
  once for each. We replace their content by a short name, which keeps the numbering. On a page with
  very many of them we write the placeholders ourselves.
* It decodes entities first, so `&lt;code>` would open an element. A mark after the `<` prevents
  that; `remove_marks` removes it from the output.
"""

import re

from xlm.corpus.wikipedia.markup.opaque import OPAQUE, OPAQUE_ELEMENT, ClosingTags

_PLACEHOLDERS = {"math": "formula", "code": "codice"}
_MAX_PLACEHOLDER_COST = 300_000_000
"""Elements times characters of the page; above it, wikiextractor takes more than half a second."""
_SHOWN = frozenset(("syntaxhighlight",))
_MARKUP = re.compile(r"[&<{}\[\]'|!]")
_BRACKET = re.compile(r"[{}\[\]]")
_BRACKETS = re.compile(r"\{\{|\}\}|\[\[|\]\]")
_PARTNER = {"}}": "{{", "]]": "[["}
_FALSE_TAG = re.compile(r"<(?=/?([A-Za-z][A-Za-z0-9]*+)[^<>]*+(<))")
_MARK = "\ufdd0"
"""A noncharacter: Unicode reserves it for internal use, so no text contains it."""
# Two patterns, because a fixed first character makes a search fast.
_ESCAPED_TAG = re.compile(r"&(?:lt|#0{0,9}60|#[xX]0{0,9}3[cC]);(?=\s*+/?\s*+[A-Za-z&])")
_LOOSE_TAG = re.compile(r"<(?=\s++[A-Za-z/&]|/?\s*+&)")
_DROPPED_LINE = re.compile(r"^(?=[*#:;|=']|\{(?!\{))|(?<=\})(?<!\}\})$", re.MULTILINE)
"""wikiextractor drops lists, table lines and lines that end in a brace; a mark makes them text."""
_BRACES_AT_END = re.compile(r"^(?=&#123;)|(?<=&#125;)$", re.MULTILINE)
_ANGLE = re.compile(r"[<>]")
_MAX_COMMENTS = 10
"""Limit for comments inside one tag; it bounds the time."""
_EXTENSIONS = OPAQUE - {"code"} | frozenset(
    (
        "ref", "references", "gallery", "chem", "ce", "score", "timeline", "hiero", "poem",
        "mapframe", "maplink", "templatedata", "templatestyles", "indicator", "section", "graph",
        "imagemap", "inputbox", "categorytree", "charinsert", "phonos", "langconvert",
    )
)  # fmt: skip
"""Extensions with tags that end at the next `>`, even after another `<`."""


def protect_verbatim(text: str) -> str:
    """Protect formulas, code and `<nowiki>` from being parsed as wikitext.

    `<pre>` and `<source>` are removed, as wikiextractor would do; of `<syntaxhighlight>` the code
    stays. An element without an end stays unchanged.
    """
    kept: list[str] = []
    done = position = 0
    closing = ClosingTags(text)
    placeholders = _Placeholders()
    while opening := OPAQUE_ELEMENT.search(text, position):
        position = opening.end()
        if not opening[1]:
            position = closing.after_comment(position)
            continue
        name = opening[1].lower()
        if opening[2].endswith("/"):
            continue
        end = (
            closing.after_code(position)
            if name == "code"
            else closing.after_element(name, position)
        )
        if end is None:
            continue
        content_end = text.rfind("</", position, end)
        content = text[position:content_end]
        kept.append(text[done : opening.start()])
        if name in _PLACEHOLDERS:
            kept.append(placeholders.shorten(name, opening[0], content, text[content_end:end]))
        elif name in _SHOWN:
            inline = "\n" not in content and content.endswith("}")
            kept.append(_MARKUP.sub(_entity, content) + (_MARK if inline else ""))
        elif name == "nowiki":
            kept += (opening[0], _neutralised(content), text[content_end:end])
        done = position = end
    return placeholders.number("".join([*kept, text[done:]])) if kept else text


def escape_false_tags(text: str) -> str:
    """Escape the `<` of `a<b` if another `<` follows before a `>`; MediaWiki displays it too."""

    def escaped(match: re.Match[str]) -> str:
        is_tag = match[1].lower() in _EXTENSIONS or _ends_after_comments(text, match.start(2))
        return "<" if is_tag else "&lt;"

    return _FALSE_TAG.sub(escaped, text)


def mark_decoded_tags(text: str) -> str:
    """Mark `&lt;b>` and `< b>` as text, so that decoding entities creates no tag."""
    for tag in (_ESCAPED_TAG, _LOOSE_TAG):
        text = tag.sub(_marked, text)
    return text


def _marked(match: re.Match[str]) -> str:
    return match[0] + _MARK


def remove_marks(text: str) -> str:
    """Remove the marks of this module from wikiextractor's output."""
    return text.replace(_MARK, "")


def _ends_after_comments(text: str, position: int) -> bool:
    """Whether only comments are between `position` and the `>` of its tag."""
    for _ in range(_MAX_COMMENTS):
        if not text.startswith("<!--", position):
            return False
        end = text.find("-->", position)
        angle = _ANGLE.search(text, end + 3) if end >= 0 else None
        if angle is None:
            return False
        if angle[0] == ">":
            return True
        position = angle.start()
    return False


class _Placeholders:
    """The formulas and code elements of one page."""

    def __init__(self) -> None:
        self._contents: dict[str, int] = {}
        self._count = 0

    def shorten(self, name: str, opening: str, content: str, closing: str) -> str:
        """The element with a short name as its content; equal contents get equal names."""
        self._count += 1
        key = self._contents.setdefault(content, len(self._contents))
        return f"{opening}{key}{closing}"

    def number(self, text: str) -> str:
        """Replace the elements by placeholders if wikiextractor would take too long for them."""
        if self._count * len(text) <= _MAX_PLACEHOLDER_COST:
            return text
        for name, word in _PLACEHOLDERS.items():
            text = _numbered(text, name, word)
        return text


def _numbered(text: str, name: str, word: str) -> str:
    """Replace each element as wikiextractor does: by the number of the first equal one."""
    first: dict[str, int] = {}
    number = 0

    def placeholder(match: re.Match[str]) -> str:
        nonlocal number
        number += 1
        return f"{word}_{first.setdefault(match[0], number)}"

    return re.sub(rf"<{name}(?:\s[^<>]*)?>\d+</{name}\s*>", placeholder, text, flags=re.IGNORECASE)


def _neutralised(content: str) -> str:
    """The content of `<nowiki>`, in which no markup stays open: wikiextractor parses it."""
    content = _DROPPED_LINE.sub(_MARK, content.replace("<", "&lt;"))
    if _balanced(content):
        return content
    return _BRACES_AT_END.sub(_MARK, _BRACKET.sub(_entity, content))


def _balanced(content: str) -> bool:
    stack: list[str] = []
    for mark in _BRACKETS.findall(content):
        if mark in _PARTNER:
            if not stack or stack.pop() != _PARTNER[mark]:
                return False
        else:
            stack.append(mark)
    return not stack


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"
