"""References to surrogates in a dump: replaced, all else kept."""

import pytest

from xlm.corpus.wikipedia.markup.surrogates import mended

KEPT = b"a &amp;#xD7FF; &amp;#xE000; &amp;#55295; &amp;#57344; &amp;#x1D800; &amp;lt; &amp;#D800; z"


@pytest.mark.parametrize(
    "reference", [b"&amp;#xD800;", b"&amp;#xdfff;", b"&amp;#55296;", b"&amp;#XDFFF;"]
)
def test_surrogates_are_replaced_and_nothing_else(reference):
    assert mended(KEPT) == KEPT
    assert mended(KEPT + reference + KEPT) == KEPT + b"&amp;#xFFFD;" + KEPT
