"""Removes tables, `{| ... |}`, with the tables inside them."""

import re

from xlm.corpus.wikipedia.wikitext.nesting import outermost_spans, without_spans

_EDGE = re.compile(r"(?=\{\||\|\})")


def remove_tables(text: str) -> str:
    """Remove each table; an opening without any end stays, as does an end without an opening."""
    if "{|" not in text:
        return text
    starts = (edge.start() for edge in _EDGE.finditer(text))
    edges = [(start, start + 2, text[start] == "{") for start in starts]
    return without_spans(text, outermost_spans(edges))
