"""References to surrogates in a dump: found wherever chunks are cut, replaced, all else kept."""

import bz2
import io

import pytest

from xlm.corpus import surrogates
from xlm.corpus.archives import read_bz2_streams
from xlm.corpus.surrogates import SurrogateFinder, copy_mended, mended

KEPT = b"a &amp;#xD7FF; &amp;#xE000; &amp;#55295; &amp;#57344; &amp;#x1D800; &amp;lt; &amp;#D800; z"


@pytest.mark.parametrize("reference", [b"&amp;#xD800;", b"&amp;#xdfff;", b"&amp;#55296;"])
def test_surrogates_are_replaced_and_nothing_else(reference):
    assert mended(KEPT) == KEPT
    assert mended(KEPT + reference + KEPT) == KEPT + b"&amp;#xFFFD;" + KEPT


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1 << 20])
def test_only_their_streams_are_packed_again(tmp_path, monkeypatch, chunk_bytes):
    monkeypatch.setattr(surrogates, "_CHUNK_BYTES", chunk_bytes)
    texts = [KEPT, b"x&amp;#xD800;" * 9 + KEPT, KEPT * 2, b"&amp;#57343;", KEPT * 3]
    packed = [bz2.compress(text, 1) for text in texts]
    path = tmp_path / "dump.bz2"
    path.write_bytes(b"".join(packed))
    finder = SurrogateFinder()
    for start, content in read_bz2_streams(path):
        for begin in range(0, len(content), chunk_bytes):
            finder.look(start, content[begin : begin + chunk_bytes])
    assert finder.streams == [len(packed[0]), sum(map(len, packed[:3]))]
    copy = io.BytesIO()
    with path.open("rb") as source:
        copy_mended(source, copy, finder.streams)
    assert bz2.decompress(copy.getvalue()) == b"".join(map(mended, texts))
    assert copy.getvalue().startswith(packed[0])
    assert copy.getvalue().endswith(packed[4])
    assert packed[2] in copy.getvalue()
