"""Text tables are aligned by display width and complete at every terminal width."""

import pytest
from rich.cells import cell_len

from xlm.display.text_table import text_table

HEADER = ("language", "dev", "test", "95 % interval", "majority", "bag of words", "paper, MLM+TLM")
ROWS = [
    ("English (en)", "33.3", "33.3", "22.7 to 45.9", "33.3", "41.7", "85.0"),
    ("mean of 2 without English", "33.3", "33.3", "", "33.3", "28.3", "73.6"),
]


def words(text: str) -> list[str]:
    return sorted(text.split())


def test_in_a_pipe_each_row_is_one_line() -> None:
    lines = text_table(HEADER, ROWS).splitlines()
    assert len(lines) == 3
    assert len(set(map(len, lines))) == 1


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_nothing_is_truncated_and_nothing_is_too_wide(width: int) -> None:
    shown = text_table(HEADER, ROWS, width=width)
    assert max(map(cell_len, shown.splitlines())) <= width
    for row in ROWS:
        assert set(words(" ".join(row))) <= set(words(shown))
    assert set(words(" ".join(HEADER))) == set(words(shown)) & set(words(" ".join(HEADER)))
    # Each part repeats the first column.
    assert shown.count("English (en)") == shown.count("\n\n") + 1


def test_headers_wrap_before_the_table_is_split() -> None:
    shown = text_table(HEADER, ROWS, width=80)
    assert "\n\n" not in shown
    assert shown.splitlines()[-3].split()[-1] == "MLM+TLM"


def test_wide_and_combining_characters_are_aligned() -> None:
    lines = text_table(("名前", "n"), [("中文", "1"), ("ภาษาไทยที่", "22"), ("é", "3")]).splitlines()
    assert len({cell_len(line) for line in lines}) == 1


def test_a_single_column_and_no_rows() -> None:
    assert text_table(("a b",), [], width=40) == "a b"
    assert text_table(("long header of one column " * 4,), [("x",)], width=40)
