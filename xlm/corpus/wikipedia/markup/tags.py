"""Removes tags of MediaWiki and its extensions that wikiextractor would leave in the text.

The text of a chemical formula or of a word with ruby annotations stays. Scores, maps and parameters
contain no sentences and are removed. Nothing changes inside `<nowiki>`, `<pre>`, `<code>`,
`<syntaxhighlight>`, `<math>` and comments. Tags that MediaWiki does not know are text.
"""

import re

from xlm.corpus.wikipedia.markup.opaque import OPAQUE, ClosingTags

_UNWRAPPED = (
    "chem", "ce", "ruby", "rb", "rbc", "onlyinclude", "noinclude", "langconvert", "phonos",
    "section", "poem", "bdo", "bdi", "data", "del", "dfn", "ins", "mark", "q", "samp", "time",
    "wbr", "link", "meta", "translate", "tvar", "languages",
)  # fmt: skip
"""These tags are removed; their content stays."""
_REMOVED = (
    "score", "mapframe", "maplink", "rt", "rp", "rtc", "graph", "chart", "templatedata",
    "templatestyles", "indicator", "timeline", "hiero", "categorytree", "inputbox", "imagemap",
    "charinsert", "dynamicpagelist", "includeonly", "randomimage", "rss", "quiz",
)  # fmt: skip
"""These are removed with their content."""
_RUBY_ENDS = {
    name: re.compile(rf"</{name}\s*>|(?=<(?:{next_names})[\s/>]|</(?:{ends})\s*>)", re.IGNORECASE)
    for name, next_names, ends in (
        ("rt", "rb|rt|rp|rtc", "ruby|rtc"),
        ("rp", "rb|rt|rp|rtc", "ruby|rtc"),
        ("rtc", "rb|rtc", "ruby"),
    )
}
"""In HTML their closing tags are optional: the next such tag ends them."""
_EMPTY = (
    "code", "math", "pre", "gallery", "syntaxhighlight", "source", "small", "table", "nowiki",
)  # fmt: skip
"""Without content (`<code/>`) these display nothing; wikiextractor only knows the pairs."""
_TAG = re.compile(
    rf"<!--|<(/?)({'|'.join((*_UNWRAPPED, *_REMOVED, *_EMPTY))})(?=[\s/>])([^<>]*)>", re.IGNORECASE
)
_SHOWN_TEXT = re.compile(r"""\btext\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'/]+))""")


def remove_tags(text: str) -> str:
    """Remove the tags; of an element without an end only the tag is removed."""
    kept: list[str] = []
    done = position = 0
    closing = ClosingTags(text)
    while tag := _TAG.search(text, position):
        position = tag.end()
        if tag[0] == "<!--":
            position = closing.after_comment(position)
            continue
        name, empty = tag[2].lower(), tag[3].endswith("/")
        if not tag[1] and not empty and name in OPAQUE:
            position = closing.after_element(name, position) or position
            continue
        if name in _EMPTY and (not empty or name == "nowiki"):
            continue
        kept.append(text[done : tag.start()])
        if not tag[1] and not empty and name in _RUBY_ENDS:
            end = _RUBY_ENDS[name].search(text, position)
            position = end.end() if end else position
        elif not tag[1] and not empty and name in _REMOVED:
            position = closing.after_element(name, position) or position
        if not tag[1] and name == "maplink" and (shown := _SHOWN_TEXT.search(tag[3])):
            kept.append(shown[1] or shown[2] or shown[3] or "")
        done = position
    return "".join([*kept, text[done:]])
