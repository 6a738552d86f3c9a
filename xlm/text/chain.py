"""The whole way from a raw line to tokens: one line out for each line in.

    tokenize = tokenizer_for("sw", {})
    tokenize("Habari ya Asubuhi!")  # "habari ya asubuhi !"

White space is left as the original tools leave it, two spaces where an accent stood alone between
them included; every reader splits on any run of it.
"""

from collections.abc import Callable, Mapping

from xlm.text.accents import lower_without_accents
from xlm.text.moses import moses_tokenizer
from xlm.text.punctuation import punctuation_filter
from xlm.text.segment import segmenter_of

Tokenizer = Callable[[str], str]

_SEGMENTED_FIRST = frozenset({"zh"})
"""XLM segments Chinese before the punctuation filters, Thai after them."""


def tokenizer_for(language: str, segmenters: Mapping[str, str]) -> Tokenizer:
    """The chain of a language: segmenter or Moses, lower-case, accents off (spec 1.4, 1.5)."""
    moses = moses_chain(language, segmenters)
    return lambda line: lower_without_accents(moses(line))


def moses_chain(language: str, segmenters: Mapping[str, str]) -> Tokenizer:
    """The chain before lower-casing, for whom case and accents matter."""
    punctuation = punctuation_filter(language)
    name = segmenters.get(language)
    if name is None:
        words = moses_tokenizer(language)
        return lambda line: words(punctuation(line))
    segment = segmenter_of(name)
    if language in _SEGMENTED_FIRST:
        return lambda line: punctuation(segment(line))
    return lambda line: segment(punctuation(line))
