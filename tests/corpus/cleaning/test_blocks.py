"""Blocks contain every line once, wherever they are cut."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlm.corpus.cleaning import blocks
from xlm.corpus.cleaning.blocks import blocks_of, read_rows, scan_text
from xlm.errors import DataError

_LINES = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",))))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_LINES, st.integers(1, 5), st.integers(1, 9), st.booleans())
def test_blocks_join_to_the_text(
    tmp_path: Path, lines: list[str], block_lines: int, read_bytes: int, ended: bool
) -> None:
    text = "\n".join(lines)
    path = tmp_path / "text.txt"
    if ended and lines:
        text += "\n"
    expected = text.removesuffix("\n").split("\n") if text else []
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_READ_BYTES", read_bytes)
        scan = scan_text(path, block_lines)
    assert scan.lines == len(expected)
    assert scan.characters == sum(map(len, expected))
    read = [read_rows(block) for block in blocks_of([scan], "sw")]
    assert [line for rows in read for (line,) in rows] == expected
    assert all(len(rows) == block_lines for rows in read[:-1])


def test_sides_of_different_length_are_refused(tmp_path: Path) -> None:
    for name, text in (("text.en.txt", "a\nb\n"), ("text.sw.txt", "a\n")):
        (tmp_path / name).write_text(text)
    sides = [scan_text(tmp_path / f"text.{code}.txt") for code in ("en", "sw")]
    with pytest.raises(DataError, match=r"text\.en\.txt has 2 and text\.sw\.txt has 1"):
        blocks_of(sides, "en-sw")
