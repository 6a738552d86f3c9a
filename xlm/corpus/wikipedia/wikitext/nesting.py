"""Pairs of marks that nest: tables, and elements whose content is removed."""

from collections.abc import Sequence


def outermost_spans(edges: Sequence[tuple[int, int, bool]]) -> list[tuple[int, int]]:
    """The spans of the outermost pairs.

    With too few closings, a pair ends at the last closing after its opening. If openings without
    any closing follow that, the whole text from the first opening to that closing is one span.

    Args:
        edges: start, end and whether it is an opening, of each mark in order. Marks can overlap,
            as in `{|}`.
    """
    spans: list[tuple[int, int]] = []
    last = max((start for start, _, opens in edges if not opens), default=-1)
    start = inside = closed = depth = 0
    for position, end, opens in edges:
        if opens:
            if depth == 0:
                start, inside, closed = position, end, 0
            elif closed and position > last:
                return [(spans[0][0] if spans else start, closed)]
            depth += 1
        elif depth and position >= inside:
            depth -= 1
            closed = end
            if depth == 0:
                spans.append((start, closed))
    if depth and closed:
        spans.append((start, closed))
    return spans


def without_spans(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text without these spans, which are in order and do not overlap."""
    if not spans:
        return text
    kept: list[str] = []
    done = 0
    for start, end in spans:
        kept.append(text[done:start])
        done = end
    return "".join([*kept, text[done:]])
