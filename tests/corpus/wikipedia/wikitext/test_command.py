"""Random pages: the cleaner writes what the wikiextractor command writes."""

import random

import pytest

from tests.corpus.wikipedia.wikitext.command import cleaned, command_texts
from tests.corpus.wikipedia.wikitext.random_pages import random_page


@pytest.mark.parametrize("seed", [1, 2])
def test_random_pages_are_cleaned_like_the_command_does(seed):
    rng = random.Random(seed)
    pages = [random_page(rng) for _ in range(500)]
    expected = command_texts(pages)
    assert len({*expected}) > 300
    differing = [
        (page, text, cleaned(page))
        for page, text in zip(pages, expected, strict=True)
        if cleaned(page) != text
    ]
    assert differing == []
