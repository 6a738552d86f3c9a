"""Detects hostile pages on which wikiextractor would run for hours.

Its searches are quadratic in some patterns. The cost of a pattern is about the number of characters
that its failing searches read: openings without an end, times the length of the text after them.
Pages of real dumps are far below the limits. Only the bytes of the page decide, so that every
machine drops the same pages.
"""

import re

MAX_PAGE_BYTES = 16 << 20
"""Limit for the XML of a page. MediaWiki stores at most 2 MiB of wikitext; escapes make it at most
six times longer."""
TOO_LARGE = f"a page of more than {MAX_PAGE_BYTES >> 20} MiB"
NOT_UTF_8 = "text that is not UTF-8"
"""Why pages are dropped that cannot be read."""
MIN_BYTES_PER_SECOND = 50_000
"""A page may take `extract.page_seconds`, and a second more for each so many bytes. It is a
sixtieth of the speed of wikiextractor."""
_MAX_COST = 100_000_000
_MAX_TAG_COST = 10_000_000
"""Lower, because wikiextractor searches for many different tags."""
_MAX_EQUALS = 300
_MAX_DEPTH = 300
_FEW = 100
"""So few openings are harmless on a page of any length."""
_TAG_OPENING = re.compile(r"<(?=[A-Za-z!])")
_PLACEHOLDERS = ("math", "code")
"""Elements for which wikiextractor searches for the end from every opening."""
_LINK_OPENING = re.compile(r"\[(?:https?:|ftp:|mailto:|//)", re.IGNORECASE)


def hostile_reason(text: str) -> str:
    """Why wikiextractor must not process a page with this wikitext; empty if it may."""
    if "=" * _MAX_EQUALS in text:
        return f"a run of more than {_MAX_EQUALS} equals signs"
    if "<" in text and (reason := _hostile_tags(text)):
        return reason
    if _unclosed_links(text) > _MAX_COST:
        return "external links that never end"
    if "{" in text and text.count("{{") > _MAX_DEPTH and _depth(text, "{{", "}}") > _MAX_DEPTH:
        return f"braces nested more than {_MAX_DEPTH:,} deep"
    return ""


def _hostile_tags(text: str) -> str:
    openings = text.count("<")
    if _unclosed(text, "<!--", "-->") > _MAX_COST:
        return "comments that never end"
    # The product is the most that the exact cost can be.
    if openings * len(text) > _MAX_TAG_COST and _distance_to_close(text) > _MAX_TAG_COST:
        return "tags that never end"
    if openings > _FEW:
        lower = text.lower()
        for name in _PLACEHOLDERS:
            if _unclosed(lower, f"<{name}", f"</{name}") > _MAX_COST:
                return f"<{name}> that never ends"
    return ""


def _unclosed(text: str, opening: str, closing: str) -> int:
    """The cost of the openings after the last closing."""
    start = text.rfind(closing) + 1
    first = text.find(opening, start)
    if first < 0:
        return 0
    count = text.count(opening, first)
    return count * (len(text) - first) if count > _FEW else 0


def _unclosed_links(text: str) -> int:
    start = text.rfind("]") + 1
    if text.count("[", start) <= _FEW:
        return 0
    openings = sum(1 for _ in _LINK_OPENING.finditer(text, start))
    return openings * (len(text) - start)


def _distance_to_close(text: str) -> int:
    cost = end = 0
    for opening in _TAG_OPENING.finditer(text):
        if end <= opening.start():
            found = text.find(">", opening.start())
            end = found if found >= 0 else len(text)
        cost += end - opening.start()
    return cost


def _depth(text: str, opening: str, closing: str) -> int:
    depth = deepest = 0
    for mark in re.finditer(f"{re.escape(opening)}|{re.escape(closing)}", text):
        depth = depth + 1 if mark[0] == opening else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest
