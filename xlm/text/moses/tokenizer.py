"""The Moses tokenizer with -no-escape, by its Perl rules (D in spec 1.4).

    moses_tokenizer("en")("Mr. Smith can't.")  # "Mr. Smith can 't ."

Its steps are public for xlm/text/moses/cached.py, which tokenizes the chunks of a line separately.
"""

import re
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from xlm.text.characters import tables as characters
from xlm.text.moses.dots import hide_dots, show_dots
from xlm.text.moses.prefixes import prefixes_of
from xlm.text.moses.separate import (
    apostrophe_rules,
    inner_sign,
    separate_commas,
    separate_inner_sign,
)

_WHITE_SPACE = re.compile(f"[{characters.WHITE_SPACES}]+")
_BLANK = re.compile(f"[{characters.WHITE_SPACES}]*")
_CONTROL = re.compile(r"[\x00-\x1f]")
_SPACES = re.compile("  +")
_DIGITS = frozenset("0123456789")


@cache
def moses_tokenizer(language: str) -> "MosesTokenizer":
    """Return the tokenizer of a language."""
    return MosesTokenizer(language)


class Stop(NamedTuple):
    """Whether the full stop at the end of a word stays attached when another word follows."""

    stays: bool = False
    stays_before_digits: bool = False

    def stays_before(self, character: str) -> bool:
        """Whether it stays attached before a word with this first character, or before ""."""
        if self.stays or not character:
            return self.stays
        if characters.character_flags()[ord(character)] & characters.LOWER:
            return True
        return self.stays_before_digits and character in _DIGITS


_ALWAYS, _BEFORE_LOWER, _BEFORE_DIGITS = Stop(True), Stop(), Stop(stays_before_digits=True)


class MosesTokenizer:
    """The Moses rules of one language."""

    def __init__(self, language: str) -> None:
        self._prefixes: Mapping[str, bool] = prefixes_of(language)
        self._apostrophe_rules = apostrophe_rules(language)
        self.inner_sign = inner_sign(language)
        self.padding = _Padding(f" .'`,-{self.inner_sign}")

    def __call__(self, text: str) -> str:
        """Tokenize a line without its newline."""
        if _BLANK.fullmatch(text):
            return text  # Perl does not change blank lines
        text = self.separate_signs(collapse(text).removeprefix(" ").removesuffix(" "))
        return self.join_last_words(text.rstrip(" ").split(" "))

    def separate_signs(self, text: str) -> str:
        """Separate all signs except single full stops; white space must be single spaces."""
        text = text.translate(self.padding)
        if self.inner_sign and self.inner_sign in text:
            text = separate_inner_sign(text, self.inner_sign)
        text = separate_commas(hide_dots(text))
        if "'" in text:
            for rule in self._apostrophe_rules:
                text = rule.apply(text)
        return text

    def join_last_words(self, words: list[str]) -> str:
        """Join the words at the end of a line, and split the full stop of the last word."""
        text = join(self.split_stops(words, split_stop(words[-1])))
        if text.endswith(".'"):
            text = text[:-2] + " . ' "
        return show_dots(text)

    def split_stops(self, words: list[str], last: str) -> list[str]:
        """Split full stops from all words but the last, which is replaced by `last`.

        An empty word, between two spaces, also follows a word; it has no first character.
        """
        split = [
            split_stop(word)
            if word.endswith(".") and not self.stop(word).stays_before(following[:1])
            else word
            for word, following in pairwise(words)
        ]
        return [*split, last]

    def stop(self, word: str) -> Stop:
        """Return the rule for the full stop of a word when another word follows."""
        stem = word[:-1]
        if not stem or ("." in stem and _is_alphabetic(stem)):
            return _ALWAYS
        numeric = self._prefixes.get(stem)
        if numeric is None:
            return _BEFORE_LOWER
        return _BEFORE_DIGITS if numeric else _ALWAYS


def collapse(text: str) -> str:
    """Replace white space by single spaces and remove control characters."""
    return _SPACES.sub(" ", _CONTROL.sub("", _WHITE_SPACE.sub(" ", text)))


def join(words: list[str]) -> str:
    """Join words with single spaces, and remove spaces at the ends."""
    return _SPACES.sub(" ", " ".join(words)).removeprefix(" ").removesuffix(" ")


def split_stop(word: str) -> str:
    """Split the full stop from a word; a full stop alone is a word."""
    return f"{word[:-1]} ." if len(word) > 1 and word.endswith(".") else word


def _is_alphabetic(text: str) -> bool:
    flags = characters.character_flags()
    return any(flags[ord(character)] & characters.ALPHABETIC for character in text)


class _Padding(dict[int, int | str]):
    """Translation table: spaces around all signs except `unchanged`; filled on demand."""

    def __init__(self, unchanged: str) -> None:
        super().__init__((ord(character), character) for character in unchanged)

    def __missing__(self, point: int) -> int | str:
        alphanumeric = characters.character_flags()[point] & characters.ALNUM
        self[point] = value = point if alphanumeric else f" {chr(point)} "
        return value
