"""Tags of MediaWiki and its extensions that wikiextractor leaves in the text, taken out before it.

Of a formula or a word under ruby the text stays; scores, maps and parameters show no sentence and
go. Nothing is touched inside `<nowiki>`, `<pre>`, `<code>`, `<syntaxhighlight>`, `<math>` and
comments. Names that MediaWiki does not know are text, as on its own pages.
"""

import re

from xlm.corpus.wikipedia.markup.opaque import OPAQUE, Ends

_UNWRAPPED = (
    "chem", "ce", "ruby", "rb", "rbc", "onlyinclude", "noinclude", "langconvert", "phonos",
    "section", "poem", "bdo", "bdi", "data", "del", "dfn", "ins", "mark", "q", "samp", "time",
    "wbr", "link", "meta", "translate", "tvar", "languages",
)  # fmt: skip
"""The tags go, what they enclose stays."""
_REMOVED = (
    "score", "mapframe", "maplink", "rt", "rp", "rtc", "graph", "chart", "templatedata",
    "templatestyles", "indicator", "timeline", "hiero", "categorytree", "inputbox", "imagemap",
    "charinsert", "dynamicpagelist", "includeonly", "randomimage", "rss", "quiz",
)  # fmt: skip
"""They go with what they enclose."""
_RUBY_ENDS = {
    name: re.compile(rf"</{name}\s*>|(?=<(?:{next_names})[\s/>]|</(?:{ends})\s*>)", re.IGNORECASE)
    for name, next_names, ends in (
        ("rt", "rb|rt|rp|rtc", "ruby|rtc"),
        ("rp", "rb|rt|rp|rtc", "ruby|rtc"),
        ("rtc", "rb|rtc", "ruby"),
    )
}
"""HTML lets their closing tags out: what comes next ends them."""
_EMPTY = (
    "code", "math", "pre", "gallery", "syntaxhighlight", "source", "small", "table", "nowiki",
)  # fmt: skip
"""Without content, `<code/>`, they show nothing; the program knows the pair alone."""
_TAG = re.compile(
    rf"<!--|<(/?)({'|'.join((*_UNWRAPPED, *_REMOVED, *_EMPTY))})(?=[\s/>])([^<>]*)>", re.IGNORECASE
)
_SHOWN_TEXT = re.compile(r"""\btext\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'/]+))""")


def take_tags(text: str) -> str:
    """`text` without the tags; an element that is never closed loses its tag alone."""
    kept: list[str] = []
    done = position = 0
    ends = Ends(text)
    while tag := _TAG.search(text, position):
        position = tag.end()
        if tag[0] == "<!--":
            position = ends.after_comment(position)
            continue
        name, empty = tag[2].lower(), tag[3].endswith("/")
        if not tag[1] and not empty and name in OPAQUE:
            position = ends.after_element(name, position) or position
            continue
        if name in _EMPTY and (not empty or name == "nowiki"):
            continue
        kept.append(text[done : tag.start()])
        if not tag[1] and not empty and name in _RUBY_ENDS:
            end = _RUBY_ENDS[name].search(text, position)
            position = end.end() if end else position
        elif not tag[1] and not empty and name in _REMOVED:
            position = ends.after_element(name, position) or position
        if not tag[1] and name == "maplink" and (shown := _SHOWN_TEXT.search(tag[3])):
            kept.append(shown[1] or shown[2] or shown[3] or "")
        done = position
    return "".join([*kept, text[done:]])
