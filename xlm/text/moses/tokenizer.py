"""The Moses tokenizer with -no-escape, by its Perl rules (D in the chain of spec 1.4).

    moses_tokenizer("en")("Mr. Smith can't.")  # "Mr. Smith can 't ."

Exact, a line at a time. Its steps are public, for whoever can show
that the pieces of a line may be tokenized apart (xlm/text/moses/cached.py).
"""

import re
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from xlm.text.characters import tables as characters
from xlm.text.moses.dots import hide_dots, show_dots
from xlm.text.moses.prefixes import prefixes_of
from xlm.text.moses.separate import apostrophes, commas, inner_sign, inside_words

_WHITE_SPACE = re.compile(f"[{characters.WHITE_SPACES}]+")
_BLANK = re.compile(f"[{characters.WHITE_SPACES}]*")
_CONTROL = re.compile(r"[\x00-\x1f]")
_SPACES = re.compile("  +")
_DIGITS = frozenset("0123456789")


@cache
def moses_tokenizer(language: str) -> "Moses":
    """The tokenizer of a language; one without prefixes of its own takes the English ones."""
    return Moses(language)


class Stop(NamedTuple):
    """What becomes of the full stop at the end of a word before another word."""

    stays: bool = False
    stays_before_digits: bool = False

    def stays_before(self, character: str) -> bool:
        """Whether it stays when the next word begins so; an empty one ends a sentence."""
        if self.stays or not character:
            return self.stays
        if characters.kinds()[ord(character)] & characters.LOWER:
            return True
        return self.stays_before_digits and character in _DIGITS


_ALWAYS, _BEFORE_LOWER, _BEFORE_DIGITS = Stop(True), Stop(), Stop(stays_before_digits=True)


class Moses:
    """The rules of one language."""

    def __init__(self, language: str) -> None:
        self._prefixes: Mapping[str, bool] = prefixes_of(language)
        self._apostrophes = apostrophes(language)
        self.inner_sign = inner_sign(language)
        self.pad = _Pad(f" .'`,-{self.inner_sign}")

    def __call__(self, text: str) -> str:
        """Tokenize a line, which has no newline."""
        if _BLANK.fullmatch(text):
            return text  # such lines pass untouched
        text = self.set_apart(collapse(text).removeprefix(" ").removesuffix(" "))
        return self.last_words(text.rstrip(" ").split(" "))

    def set_apart(self, text: str) -> str:
        """All signs but single full stops, in a text whose white space is single spaces."""
        text = text.translate(self.pad)
        if self.inner_sign and self.inner_sign in text:
            text = inside_words(text, self.inner_sign)
        text = commas(hide_dots(text))
        if "'" in text:
            for rule in self._apostrophes:
                text = rule.apply(text)
        return text

    def last_words(self, words: list[str]) -> str:
        """Words up to the end of a line, as text; the full stop of the very last is split."""
        text = join(self.split_stops(words, split_stop(words[-1])))
        if text.endswith(".'"):
            text = text[:-2] + " . ' "
        return show_dots(text)

    def split_stops(self, words: list[str], last: str) -> list[str]:
        """Full stops of all words but the last, which is given as it shall be.

        Empty words, between two spaces, count: none begins with a lower-case letter or a digit.
        """
        split = [
            split_stop(word)
            if word.endswith(".") and not self.stop(word).stays_before(following[:1])
            else word
            for word, following in pairwise(words)
        ]
        return [*split, last]

    def stop(self, word: str) -> Stop:
        """What becomes of a word's full stop when another word follows."""
        stem = word[:-1]
        if not stem or ("." in stem and _is_alphabetic(stem)):
            return _ALWAYS
        numeric = self._prefixes.get(stem)
        if numeric is None:
            return _BEFORE_LOWER
        return _BEFORE_DIGITS if numeric else _ALWAYS


def collapse(text: str) -> str:
    """White space to single spaces; then control characters go (none is left after filter C)."""
    return _SPACES.sub(" ", _CONTROL.sub("", _WHITE_SPACE.sub(" ", text)))


def join(words: list[str]) -> str:
    """Words to text with single spaces, none at its ends."""
    return _SPACES.sub(" ", " ".join(words)).removeprefix(" ").removesuffix(" ")


def split_stop(word: str) -> str:
    """A word with its full stop set apart; a full stop alone is a word."""
    return f"{word[:-1]} ." if len(word) > 1 and word.endswith(".") else word


def _is_alphabetic(text: str) -> bool:
    kinds = characters.kinds()
    return any(kinds[ord(character)] & characters.ALPHABETIC for character in text)


class _Pad(dict[int, int | str]):
    """A space on both sides of all but letters, digits and the signs that have rules."""

    def __init__(self, kept: str) -> None:
        super().__init__((ord(character), character) for character in kept)

    def __missing__(self, point: int) -> int | str:
        inside = characters.kinds()[point] & characters.ALNUM
        self[point] = value = point if inside else f" {chr(point)} "
        return value
