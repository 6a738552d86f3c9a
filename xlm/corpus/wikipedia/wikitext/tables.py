"""Removes tables, `{| ... |}`, with the tables inside them."""

import re

from xlm.corpus.wikipedia.markup.marks import has_mark
from xlm.corpus.wikipedia.wikitext.nesting import outermost_spans, without_spans

_OPENING = re.compile(r"\{\|")
_CLOSING = re.compile(r"\|\}")


def remove_tables(text: str) -> str:
    """Remove each table; an opening without any end stays, as does an end without an opening."""
    if not has_mark(text, "{|"):
        return text
    openings = [mark.span() for mark in _OPENING.finditer(text)]
    closings = [mark.span() for mark in _CLOSING.finditer(text)]
    return without_spans(text, outermost_spans(openings, closings))
