"""The program gets the pages of a dump in blocks."""

import pytest

from tests.corpus.wikipedia.dumps import page, run_extract, text_of, write_dump
from xlm.corpus.wikipedia.wikiextractor import extractor
from xlm.errors import DataError


@pytest.mark.slow
def test_damage_in_a_later_block_is_the_error_of_the_stage(make_context, tmp_path, monkeypatch):
    monkeypatch.setattr(extractor, "BLOCK_BYTES", 1)
    write_dump(tmp_path / "in", page(1, "One") + page(2, "Two") + "<page><title>x</page>")
    with pytest.raises(DataError, match="not well-formed XML"):
        run_extract(make_context, tmp_path / "in", "wikiextractor")


@pytest.mark.slow
@pytest.mark.parametrize("block_bytes", [1, 400])
def test_the_block_size_does_not_change_the_text(make_context, tmp_path, monkeypatch, block_bytes):
    pages = [page(number, f"Page {number}", f"Text {number}.") for number in range(1, 6)]
    write_dump(tmp_path / "in", *pages, page(6, "Two") + page(6, "Twin"), page(7, "Last"))
    complete, counts = run_extract(make_context, tmp_path / "in", "wikiextractor")
    before = text_of(complete.out)
    monkeypatch.setattr(extractor, "BLOCK_BYTES", block_bytes)
    context, result = run_extract(make_context, tmp_path / "in", "wikiextractor")
    assert text_of(context.out) == before
    assert result.counts == counts.counts
    assert result.counts["missing_pages"] == 1
