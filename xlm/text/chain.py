"""The whole way from a raw line to tokens: one line out for each line in.

    tokenize = tokenizer_for("sw", {})
    tokenize("Habari ya Asubuhi!")  # "habari ya asubuhi !"

White space is left as the original tools leave it, two spaces where an accent stood alone between
them included; every reader splits on any run of it.
"""

from collections.abc import Callable, Mapping

from xlm.text.characters.accents import lower_without_accents, lower_word
from xlm.text.moses.cached import CachedMosesTokenizer
from xlm.text.moses.punctuation import punctuation_filter
from xlm.text.moses.tokenizer import moses_tokenizer
from xlm.text.segmenters.registry import load_segmenter

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
    return cached_moses_tokenizer(language, lower_word, lower_without_accents).fast


def cased_tokenizer_for(language: str, segmenters: Mapping[str, str]) -> Tokenizer:
    """The chain before lower-casing, for whom case and accents matter."""
    if language in segmenters:
        return _segmented(language, segmenters[language])
    return cached_moses_tokenizer(language, str, str).fast


def cached_moses_tokenizer(
    language: str, finish_piece: Tokenizer, finish_line: Tokenizer
) -> CachedMosesTokenizer:
    """Filters and Moses tokenizer of a language, fast and exact."""
    return CachedMosesTokenizer(
        punctuation_filter(language), moses_tokenizer(language), finish_piece, finish_line
    )


def _segmented(language: str, name: str) -> Tokenizer:
    punctuation, segment = punctuation_filter(language), load_segmenter(name)
    if language in _SEGMENTED_FIRST:
        return lambda line: punctuation(segment(line))
    return lambda line: segment(punctuation(line))
