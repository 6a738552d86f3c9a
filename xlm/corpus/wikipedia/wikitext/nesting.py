"""Pairs of marks that nest: tables, and elements whose content is removed."""

from collections.abc import Iterator, Sequence

Span = tuple[int, int]


def outermost_spans(openings: Sequence[Span], closings: Sequence[Span]) -> list[Span]:
    """The spans of the outermost pairs.

    A pair ends where as many closings as openings were passed. With too few closings, the last pair
    ends at the last closing; if openings follow it, the text from the first opening to there is one
    span. An opening directly after a closing counts as nested.

    Args:
        openings: start and end of each opening mark, in order.
        closings: likewise; a closing can overlap an opening, as in `{|}`.
    """
    spans: list[Span] = []
    remaining = iter(closings)
    start, inside = openings[0]
    end = _next_end(remaining, inside)
    depth = 0
    for opening, after in openings[1:]:
        while 0 <= end < opening:
            if depth == 0:
                spans.append((start, end))
                start = opening
                end = _next_end(remaining, after)
                break
            depth -= 1
            last = end
            end = _next_end(remaining, last)
            if end < 0:
                return [(openings[0][0], last)]
        if start != opening:
            depth += 1
    if end < 0:
        return spans
    for _ in range(depth):
        further = _next_end(remaining, end)
        if further < 0:
            break
        end = further
    return [*spans, (start, end)]


def _next_end(closings: Iterator[Span], position: int) -> int:
    """The end of the first closing from `position` on; -1 if there is none."""
    return next((end for start, end in closings if start >= position), -1)


def without_spans(text: str, spans: Sequence[Span]) -> str:
    """The text without these spans, which are in order and do not overlap."""
    if not spans:
        return text
    kept: list[str] = []
    done = 0
    for start, end in spans:
        kept.append(text[done:start])
        done = end
    return "".join([*kept, text[done:]])
