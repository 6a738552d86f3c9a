"""The whole way from a raw line to tokens: one line out for each line in.

    tokenize = tokenizer_for("sw", {})
    tokenize("Habari ya Asubuhi!")  # "habari ya asubuhi !"

White space is left as the original tools leave it, two spaces where an accent stood alone between
them included; every reader splits on any run of it.
"""

from collections.abc import Callable, Mapping

from xlm.text.characters.accents import lower_without_accents, lower_word
from xlm.text.moses.chunks import Chunks
from xlm.text.moses.punctuation import punctuation_filter
from xlm.text.moses.tokenizer import moses_tokenizer
from xlm.text.segmenters.registry import segmenter_of

Tokenizer = Callable[[str], str]

_SEGMENTED_FIRST = frozenset({"zh"})
"""XLM segments Chinese before the punctuation filters, Thai after them."""


def tokenizer_for(language: str, segmenters: Mapping[str, str]) -> Tokenizer:
    """The chain of a language: segmenter or Moses, lower-case, accents off (spec 1.4, 1.5).

    Keep it for many lines: it remembers words.
    """
    if language in segmenters:
        words = _segmented(language, segmenters[language])
        return lambda line: lower_without_accents(words(line))
    return moses_chunks(language, lower_word, lower_without_accents).fast


def moses_chain(language: str, segmenters: Mapping[str, str]) -> Tokenizer:
    """The chain before lower-casing, for whom case and accents matter."""
    if language in segmenters:
        return _segmented(language, segmenters[language])
    return moses_chunks(language, str, str).fast


def moses_chunks(language: str, finish_piece: Tokenizer, finish_line: Tokenizer) -> Chunks:
    """Filters and Moses tokenizer of a language, fast and exact."""
    return Chunks(
        punctuation_filter(language), moses_tokenizer(language), finish_piece, finish_line
    )


def _segmented(language: str, name: str) -> Tokenizer:
    punctuation, segment = punctuation_filter(language), segmenter_of(name)
    if language in _SEGMENTED_FIRST:
        return lambda line: punctuation(segment(line))
    return lambda line: segment(punctuation(line))
