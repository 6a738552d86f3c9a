"""References to surrogates are replaced; all other text stays."""

import pytest

from xlm.corpus.wikipedia.markup.entities import replace_surrogates

KEPT = b"a &amp;#xD7FF; &amp;#xE000; &amp;#55295; &amp;#57344; &amp;#x1D800; &amp;lt; &amp;#D800; z"


@pytest.mark.parametrize(
    "reference", [b"&amp;#xD800;", b"&amp;#xdfff;", b"&amp;#55296;", b"&amp;#XDFFF;"]
)
def test_surrogates_are_replaced_and_nothing_else(reference):
    assert replace_surrogates(KEPT) == KEPT
    assert replace_surrogates(KEPT + reference + KEPT) == KEPT + b"&amp;#xFFFD;" + KEPT
