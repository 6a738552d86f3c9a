"""Tidies the spaces and punctuation that removed markup leaves behind.

A removed template or reference leaves two spaces, a space before a comma, or a line of punctuation.
"""

import re

from xlm.corpus.wikipedia.markup.marks import has_mark

_UNTIDY = re.compile(r"[,:.)\]»(\[«](?:(?<= [,:.)\]»])|(?<=[(\[«]) |(?<=,)[,.]|(?<=\.)\.\.\.)")
"""A space or a mark that `_punctuation` removes; most pages have none."""
_MORE_DOTS = re.compile(r"\.{4,}")
_NO_SPACE_BEFORE = ",:.)]»"
_NO_SPACE_AFTER = "[(«"
_LINE_WITHOUT_WORD = re.compile(r"\n\W+?\n")


def tidy(text: str) -> str:
    """Join runs of spaces, and remove spaces and lines that only surround punctuation."""
    if has_mark(text, "<<"):
        text = text.replace("<<", "«")
    if has_mark(text, ">>"):
        text = text.replace(">>", "»")
    text = text.replace("\t", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    if _UNTIDY.search(text):
        text = _punctuation(text)
    return _LINE_WITHOUT_WORD.sub("\n", text)


def _punctuation(text: str) -> str:
    if has_mark(text, "...."):
        text = _MORE_DOTS.sub("...", text)
    for mark in _NO_SPACE_BEFORE:
        if mark in text:
            text = text.replace(f" {mark}", mark)
    for mark in _NO_SPACE_AFTER:
        if mark in text:
            text = text.replace(f"{mark} ", mark)
    return text.replace(",,", ",").replace(",.", ".")
