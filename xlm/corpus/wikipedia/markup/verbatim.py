"""What stands inside of formulas, code and `<nowiki>` is no wikitext: nothing in it opens a tag.

wikiextractor reads it as wikitext: `a<b` within `<math>` opens a tag, which takes text with it.
Of formulas and `<code>` the program writes placeholders (`formula_1`, `codice_1`) and reads the
whole page for each. It gets a short name in place of the content, so that it numbers as before;
a page with so many of them that this takes long gets the placeholders themselves.
It decodes entities first, so that `&lt;code>` would open an element: a mark behind the `<`
prevents it, and `without_marks` takes it out of the text.
"""

import re

from xlm.corpus.wikipedia.markup.opaque import OPAQUE, OPAQUE_ELEMENT, Ends

_PLACEHOLDERS = {"math": "formula", "code": "codice"}
_MAX_PLACEHOLDER_COST = 300_000_000
"""Elements times characters of the page: above, the program would take more than half a second."""
_SHOWN = frozenset(("syntaxhighlight",))
_MARKUP = re.compile(r"[&<{}\[\]'|!]")
_BRACKET = re.compile(r"[{}\[\]]")
_BRACKETS = re.compile(r"\{\{|\}\}|\[\[|\]\]")
_PARTNER = {"}}": "{{", "]]": "[["}
_FALSE_TAG = re.compile(r"<(?=/?([A-Za-z][A-Za-z0-9]*+)[^<>]*+(<))")
_MARK = "\ufdd0"
"""A noncharacter, which no text needs: Unicode keeps it for uses within a program."""
_DECODED_TAG = re.compile(
    r"&(?:lt|#0{0,9}60|#[xX]0{0,9}3[cC]);(?=\s*+/?\s*+[A-Za-z&])|<(?=\s++[A-Za-z/&]|/?\s*+&)"
)
_DROPPED_LINE = re.compile(r"^(?=[*#:;|=']|\{(?!\{))|(?<=\})(?<!\}\})$", re.MULTILINE)
"""The program drops lists, lines of tables and all that ends in a brace; a mark makes it text."""
_BRACES_AT_END = re.compile(r"^(?=&#123;)|(?<=&#125;)$", re.MULTILINE)
_ANGLE = re.compile(r"[<>]")
_MOST_COMMENTS = 10
"""Within one tag; it bounds the time."""
_EXTENSIONS = OPAQUE - {"code"} | frozenset(
    (
        "ref", "references", "gallery", "chem", "ce", "score", "timeline", "hiero", "poem",
        "mapframe", "maplink", "templatedata", "templatestyles", "indicator", "section", "graph",
        "imagemap", "inputbox", "categorytree", "charinsert", "phonos", "langconvert",
    )
)  # fmt: skip
"""Their tags go on to the next `>`, whatever stands before it."""


def shield_verbatim(text: str) -> str:
    """`text` with formulas, code and `<nowiki>` protected from being read as wikitext.

    `<pre>` and `<source>` go, as the program removes them; `<syntaxhighlight>` leaves its code.
    An element that is never closed stays as it is.
    """
    kept: list[str] = []
    done = position = 0
    ends = Ends(text)
    placeholders = _Placeholders()
    while opening := OPAQUE_ELEMENT.search(text, position):
        position = opening.end()
        if not opening[1]:
            position = ends.after_comment(position)
            continue
        name = opening[1].lower()
        if opening[2].endswith("/"):
            continue
        end = ends.after_code(position) if name == "code" else ends.after_element(name, position)
        if end is None:
            continue
        content_end = text.rfind("</", position, end)
        content = text[position:content_end]
        kept.append(text[done : opening.start()])
        if name in _PLACEHOLDERS:
            kept.append(placeholders.take(name, opening[0], content, text[content_end:end]))
        elif name in _SHOWN:
            inline = "\n" not in content and content.endswith("}")
            kept.append(_MARKUP.sub(_entity, content) + (_MARK if inline else ""))
        elif name == "nowiki":
            kept += (opening[0], _unread(content), text[content_end:end])
        done = position = end
    return placeholders.filled("".join([*kept, text[done:]])) if kept else text


def escape_false_tags(text: str) -> str:
    """Escape the `<` of `a<b` where another `<` comes before a `>`: MediaWiki shows it too."""

    def escaped(match: re.Match[str]) -> str:
        is_tag = match[1].lower() in _EXTENSIONS or _ends_after_comments(text, match.start(2))
        return "<" if is_tag else "&lt;"

    return _FALSE_TAG.sub(escaped, text)


def mark_decoded_tags(text: str) -> str:
    """`text` in which no tag appears when entities are decoded: `&lt;b>` and `< b>` are text."""
    return _DECODED_TAG.sub(lambda match: match[0] + _MARK, text)


def without_marks(text: str) -> str:
    """What the program wrote, without the marks of `mark_decoded_tags`."""
    return text.replace(_MARK, "")


def _ends_after_comments(text: str, position: int) -> bool:
    """Whether nothing but comments stands between `position` and the `>` of its tag."""
    for _ in range(_MOST_COMMENTS):
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
    """The formulas and pieces of code of one page."""

    def __init__(self) -> None:
        self._contents: dict[str, int] = {}
        self._count = 0

    def take(self, name: str, opening: str, content: str, closing: str) -> str:
        """The same element with a short name as its content; equal contents get equal names."""
        self._count += 1
        key = self._contents.setdefault(content, len(self._contents))
        return f"{opening}{key}{closing}"

    def filled(self, text: str) -> str:
        """`text`, with the placeholders in it if the program would take long for them."""
        if self._count * len(text) <= _MAX_PLACEHOLDER_COST:
            return text
        for name, word in _PLACEHOLDERS.items():
            text = _numbered(text, name, word)
        return text


def _numbered(text: str, name: str, word: str) -> str:
    """Each element as the program writes it: with the number of the first that is equal."""
    first: dict[str, int] = {}
    number = 0

    def placeholder(match: re.Match[str]) -> str:
        nonlocal number
        number += 1
        return f"{word}_{first.setdefault(match[0], number)}"

    return re.sub(rf"<{name}(?:\s[^<>]*)?>\d+</{name}\s*>", placeholder, text, flags=re.IGNORECASE)


def _unread(content: str) -> str:
    """The content of `<nowiki>`: the program reads on, but nothing in it stays open."""
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
