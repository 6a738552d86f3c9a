"""Tokenizers from a raw line to a line of tokens.

    tokenize = tokenizer_for("sw", {})
    tokenize("Habari ya Asubuhi!")  # "habari ya asubuhi !"

White space is exactly as in XLM's output, including two spaces where a lone accent is removed. All
readers split at any run of white space.
"""

from collections.abc import Callable, Mapping

from xlm.config.languages.pairs import KNOWN_LANGUAGES
from xlm.text.characters.accents import lower_without_accents, lower_word
from xlm.text.moses.cached import CachedMosesTokenizer
from xlm.text.moses.punctuation import punctuation_filter
from xlm.text.moses.tokenizer import moses_tokenizer
from xlm.text.segmenters.registry import load_segmenter

Tokenizer = Callable[[str], str]

_SEGMENTED_FIRST = frozenset({"zh"})
"""XLM segments Chinese before the punctuation filters, and Thai after them."""


def tokenizer_for(language: str, segmenters: Mapping[str, str], moses: str = "") -> Tokenizer:
    """Return the tokenizer of a language: words, lowercase, no accents (spec 1.4, 1.5).

    Reuse it for all lines: it caches words.

    Args:
        language: language code.
        segmenters: segmenter by language, as `NAME` or `NAME:PATH`.
        moses: language whose Moses rules to use; empty: that of the table of languages, usually
            its own.
    """
    rules = moses_language(language, moses)
    if language in segmenters:
        segment = _segmenter(language, segmenters[language], rules)
        return lambda line: lower_without_accents(segment(line))
    return cached_moses_tokenizer(rules, lower_word, lower_without_accents).tokenize_cached


def cased_tokenizer_for(language: str, segmenters: Mapping[str, str], moses: str = "") -> Tokenizer:
    """Return the tokenizer of a language without lowercasing and accent removal."""
    rules = moses_language(language, moses)
    if language in segmenters:
        return _segmenter(language, segmenters[language], rules)
    return cached_moses_tokenizer(rules, str, str).tokenize_cached


def moses_language(language: str, chosen: str = "") -> str:
    """The name in the Moses rules of a language, or of the one `chosen` for it: `tdt` for `tet`."""
    code = chosen or language
    return KNOWN_LANGUAGES[code].moses if code in KNOWN_LANGUAGES else code


def cached_moses_tokenizer(
    language: str, finish_chunk: Tokenizer, finish_line: Tokenizer
) -> CachedMosesTokenizer:
    """Return the punctuation filters and the Moses tokenizer of a language, with a cache."""
    return CachedMosesTokenizer(
        punctuation_filter(language), moses_tokenizer(language), finish_chunk, finish_line
    )


def _segmenter(language: str, name: str, rules: str) -> Tokenizer:
    punctuation, segment = punctuation_filter(rules), load_segmenter(name)
    if language in _SEGMENTED_FIRST:
        return lambda line: punctuation(segment(line))
    return lambda line: segment(punctuation(line))
