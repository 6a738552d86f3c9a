"""The Moses tokenizer with -no-escape, by its Perl rules.

Non-breaking prefixes, character lists and the handling of dot runs are sacremoses'; the order of
the rules, the last word of a line and the treatment of marks follow the Perl script, where
sacremoses departs from it (Hindi virama, closing quotes, stops at the end of a line).
"""

import logging
import re
from collections.abc import Callable
from functools import cache

from sacremoses import MosesTokenizer
from sacremoses.corpus import NonbreakingPrefixes

from xlm.text import characters

log = logging.getLogger(__name__)

_NUMERIC_ONLY = "#NUMERIC_ONLY#"
_WHITE_SPACE = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x1f]")
_SPACES = re.compile(" +")
_STOP_QUOTE_AT_END = re.compile(r"\.' ?$")

Rule = tuple[str, re.Pattern[str], str]
"""A character without which the pattern cannot match, the pattern, its replacement."""


@cache
def moses_tokenizer(language: str) -> Callable[[str], str]:
    """The tokenizer of a language; one without prefixes of its own takes the English ones."""
    prefixes = _prefixes(language)
    dots = MosesTokenizer(lang="en")
    rules = _rules(language)
    pad = re.compile(rf"([^{characters.alphanumeric()}\s.'`,\-])")
    is_alphabetic = re.compile(f"[{characters.alphabetic()}]").search
    starts_lower = re.compile(f"[{characters.lowercase()}]").match

    def split_stops(words: list[str]) -> list[str]:
        last = len(words) - 1
        for index, word in enumerate(words):
            if len(word) < 2 or not word.endswith("."):
                continue
            stem = word[:-1]
            following = words[index + 1] if index < last else None
            if following is not None:  # the stop of the last word always ends a sentence
                if "." in stem and is_alphabetic(stem):
                    continue
                if prefixes.get(stem) is False or starts_lower(following):
                    continue
                if prefixes.get(stem) is True and following[:1] in _DIGITS:
                    continue
            words[index] = stem + " ."
        return words

    def tokenize(line: str) -> str:
        if not line or line.isspace():
            return line  # such lines pass untouched
        text = _CONTROL.sub("", _WHITE_SPACE.sub(" ", line))
        text = text.removeprefix(" ").removesuffix(" ")
        text = pad.sub(r" \1 ", text)
        if ".." in text:
            text = dots.replace_multidots(text)
        for needed, pattern, replacement in rules:
            if needed in text:
                text = pattern.sub(replacement, text)
        # Empty words between two spaces count as following words, so no bare split().
        text = " ".join(split_stops(text.rstrip(" ").split(" ")))
        text = _SPACES.sub(" ", text).removeprefix(" ").removesuffix(" ")
        text = _STOP_QUOTE_AT_END.sub(" . ' ", text)
        if "DOTMULTI" in text:
            text = dots.restore_multidots(text)
        return text

    return tokenize


_DIGITS = frozenset("0123456789")


def _prefixes(language: str) -> dict[str, bool]:
    """Words whose full stop stays, and whether only before a number."""
    source = NonbreakingPrefixes()
    if language not in source.available_langs:
        log.warning("no Moses prefixes for %s: its text is tokenized with English ones", language)
        language = "en"
    prefixes: dict[str, bool] = {}
    for line in source.words(language):
        word, marker, _ = line.partition(_NUMERIC_ONLY)
        prefixes[word.rstrip() if marker else line] = bool(marker)
    return prefixes


def _rules(language: str) -> list[Rule]:
    """Commas, then apostrophes."""
    alpha, number = characters.alphabetic(), characters.numeric()
    commas = [
        (rf"([^{number}]),", r"\1 , "),
        (rf",([^{number}])", r" , \1"),
        (rf"([{number}]),$", r"\1 ,"),
    ]
    if language == "en":
        apostrophes = [
            (rf"([^{alpha}])'([^{alpha}])", r"\1 ' \2"),
            (rf"([^{alpha}{number}])'([{alpha}])", r"\1 ' \2"),
            (rf"([{alpha}])'([^{alpha}])", r"\1 ' \2"),
            (rf"([{alpha}])'([{alpha}])", r"\1 '\2"),
            (rf"([{number}])'([s])", r"\1 '\2"),
        ]
    elif language in {"fr", "it", "ga"}:
        apostrophes = [
            (rf"([^{alpha}])'([^{alpha}])", r"\1 ' \2"),
            (rf"([^{alpha}])'([{alpha}])", r"\1 ' \2"),
            (rf"([{alpha}])'([^{alpha}])", r"\1 ' \2"),
            (rf"([{alpha}])'([{alpha}])", r"\1' \2"),
        ]
    else:
        apostrophes = [("'", " ' ")]
    return [
        (needed, re.compile(pattern), replacement)
        for needed, rules in ((",", commas), ("'", apostrophes))
        for pattern, replacement in rules
    ]
