"""Removes tables, `{| ... |}`, with the tables inside them."""

import re

from xlm.corpus.wikipedia.wikitext.nesting import outermost_spans, without_spans

_EDGE = re.compile(r"\{\||\|\}")


def remove_tables(text: str) -> str:
    """Remove each table; an opening without any end stays, as does an end without an opening."""
    if "{|" not in text:
        return text
    edges = [(*edge.span(), edge[0] == "{|") for edge in _EDGE.finditer(text)]
    return without_spans(text, outermost_spans(edges))
