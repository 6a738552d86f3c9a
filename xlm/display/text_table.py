"""Text tables for a terminal, aligned by the display width of characters and never truncated.

print(text_table(("language", "words"), [("Chinese (zh)", "80,285")], width=60))
"""

from collections.abc import Container, Iterable, Iterator, Sequence

from rich.cells import cell_len

_GAP = "  "


def text_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    width: int | None = None,
    left: Container[int] = (0,),
) -> str:
    """Render a table; the columns in `left` are aligned left, the others right.

    Args:
        header: names of the columns.
        rows: cells of each row.
        width: width of the terminal in columns. In a wider table, headers are wrapped at spaces. If
            that is not enough, the table is split into parts that repeat the first column. If None
            (output to a pipe), each row is one line.
    """
    cells = [tuple(header), *(tuple(row) for row in rows)]
    if width is None or _total(_widths(cells)) <= width:
        return _lines(cells[:1], cells[1:], left)
    wrapped = [name.split() for name in cells[0]]
    height = max(map(len, wrapped))
    # Align the words of a header at the bottom, next to the numbers.
    names = [["" for _ in range(height - len(words))] + words for words in wrapped]
    head = list(zip(*names, strict=True))
    parts = [
        _lines(
            list(filter(any, _pick(head, columns))),
            _pick(cells[1:], columns),
            [place for place, column in enumerate(columns) if column in left],
        )
        for columns in _parts(_widths([*head, *cells[1:]]), width)
    ]
    return "\n\n".join(parts)


def _pick(cells: Iterable[Sequence[str]], columns: Sequence[int]) -> list[tuple[str, ...]]:
    return [tuple(line[column] for column in columns) for line in cells]


def _parts(widths: Sequence[int], width: int) -> Iterator[list[int]]:
    """Split the columns into parts that fit; each part starts with the first column."""
    part = [0]
    for column in range(1, len(widths)):
        if len(part) > 1 and _total([widths[one] for one in [*part, column]]) > width:
            yield part
            part = [0]
        part.append(column)
    yield part


def _widths(cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(*cells, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _lines(
    head: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], left: Container[int]
) -> str:
    widths = _widths([*head, *rows])
    return "\n".join(
        _GAP.join(
            _padded(cell, width, left=column in left)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in [*head, *rows]
    )


def _padded(cell: str, width: int, *, left: bool) -> str:
    padding = " " * (width - cell_len(cell))
    return cell + padding if left else padding + cell
