"""Tidies the spaces and punctuation that removed markup leaves behind.

A removed template or reference leaves two spaces, a space before a comma, or a line of punctuation.
"""

import re

_MORE_DOTS = re.compile(r"\.{4,}")
_SPACE_BEFORE = (" ,", " :", " .", " )", " ]", " »")
_SPACE_AFTER = ("[ ", "( ", "« ")
_LINE_WITHOUT_WORD = re.compile(r"\n\W+?\n")


def tidy(text: str) -> str:
    """Join runs of spaces, and remove spaces and lines that only surround punctuation."""
    if "<<" in text:
        text = text.replace("<<", "«")
    if ">>" in text:
        text = text.replace(">>", "»")
    text = text.replace("\t", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    if "...." in text:
        text = _MORE_DOTS.sub("...", text)
    for pair in _SPACE_BEFORE:
        if pair in text:
            text = text.replace(pair, pair[1])
    for pair in _SPACE_AFTER:
        if pair in text:
            text = text.replace(pair, pair[0])
    text = _LINE_WITHOUT_WORD.sub("\n", text)
    return text.replace(",,", ",").replace(",.", ".")
