"""Seeded rows that are hard to tokenize: cases that ports of Moses get wrong, and random text.

There are six kinds of rows, and a seventh that changes rows of the others. A port rarely fails on
one sign; it fails on two signs next to a space.
"""

import json
import random
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

_LISTS = json.loads(Path(__file__).with_name("hard_words.json").read_text(encoding="utf-8"))
WORDS: dict[str, str] = _LISTS["words"]
OTHERS: list[str] = _LISTS["others"]
SIGNS: list[str] = _LISTS["signs"]
TRAPS: list[str] = _LISTS["traps"]

_DIGITS = ("0123456789",) * 4 + ("٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９", "Ⅳ½²〇")
_SPACES = [" "] * 40 + ["  ", "   ", "\u00a0", "\t", "\u3000", "\u2009", "\u202f", "\x85", "\u2028"]
_HIDDEN = ["\u00a0", "\u200b", "\u00ad", "\ufeff", "\x01"]
_EDGES = [*".,'\":%()!?;`-’‘‚“”„«»…。．，、：％（）！？；é5５", '."', ".'", "..", *_HIDDEN]
_SOUP = list("aZ5s.,'\"()[]:;%!?<>-`éΣः्१") + [" "] * 6 + SIGNS + TRAPS
_ENDS = ["", "", ".", ".", '."', ".'", '".', "...", "!", ",", " ", ". ", ".)", "?»", "。"]
_PLANES = (0x80, 0x250, 0x700, 0x3000, 0x10000, 0x20000, 0x110000)


def hard_rows(language: str, count: int, seed: int, prefixes: Sequence[str] = ()) -> list[str]:
    """Make rows for a language, the same rows for the same seed.

    Args:
        language: language code.
        count: number of rows.
        seed: random seed.
        prefixes: non-breaking prefixes of the language, which occur often.
    """
    rows = _Rows(random.Random(f"{seed} {language}"), language, list(prefixes) or ["Dr", "No"])
    return [rows.next().replace("\n", " ") for _ in range(count)]


def often_numeric(prefixes: Mapping[str, bool]) -> list[str]:
    """Repeat numeric prefixes, so that they are about as frequent as the others."""
    numeric = sorted(word for word, only_before_numbers in prefixes.items() if only_before_numbers)
    others = sorted(prefixes.keys() - set(numeric))
    return others + numeric * (len(others) // max(1, len(numeric)))


class _Rows:
    def __init__(self, rng: random.Random, language: str, prefixes: list[str]) -> None:
        self.rng, self.prefixes = rng, prefixes
        own = WORDS.get(language, WORDS["en"]).split()
        self.words = own * 12 + " ".join(WORDS.values()).split() + OTHERS * 2
        self.before = ""

    def next(self) -> str:
        makers = [self.text, self.edges, self.soup, self.traps, self.anything, self.block]
        row = self.rng.choices(makers, (6, 6, 5, 4, 1, 1))[0]()
        if self.rng.random() < 0.15:
            row = self.damaged(self.rng.choice((row, self.before)))
        if self.rng.random() < 0.02:
            row = "".join(self.rng.choices(_SPACES, k=self.rng.randrange(4)))
        self.before = row
        return row

    def text(self) -> str:
        """Text with signs around words and unusual spaces between them."""
        parts: list[str] = []
        for _ in range(self.rng.randrange(1, 14)):
            parts += self.wrapped() if self.rng.random() < 0.5 else self.word(), self.space()
        return "".join(parts).rstrip(" ") + self.rng.choice(_ENDS)

    def edges(self) -> str:
        """Words, abbreviations and numbers, with signs next to the spaces."""
        gap = self.rng.choice((" ",) * 8 + ("  ", f" {self.rng.choice(_HIDDEN)}"))
        parts: list[str] = []
        for _ in range(self.rng.randrange(1, 5)):
            before, after = self.rng.choices(_EDGES, k=2)
            core = self.rng.choice((self.word, self.abbreviation, self.number, str))()
            parts += self.rng.choice(("", before)), core, self.rng.choice(("", after)), gap
        return "".join(parts[:-1]) if self.rng.random() < 0.8 else "".join(parts)

    def soup(self) -> str:
        """A few characters and traps, in random order."""
        few = self.rng.choices(_SOUP, k=self.rng.randrange(2, 7))
        few += [" "] * self.rng.randrange(3)
        return "".join(self.rng.choices(few, k=self.rng.randrange(1, 24)))

    def traps(self) -> str:
        """Words and numbers next to cases that ports get wrong."""
        parts: list[str] = []
        for _ in range(self.rng.randrange(1, 9)):
            core = self.rng.choice((self.word, self.wrapped, self.number, self.abbreviation))()
            parts += core, self.rng.choice(TRAPS), self.rng.choice(("", "", " "))
        self.rng.shuffle(parts)
        return "".join(parts)

    def anything(self) -> str:
        """Random code points of all planes."""
        top = self.rng.choice(_PLANES)
        return "".join(self.character(0, top) for _ in range(self.rng.randrange(1, 30)))

    def block(self) -> str:
        """Code points of one block, next to signs."""
        first = self.rng.randrange(0x1100) * 0x100
        between = ("", "", " ", "a", ".", "'", "'s ", ",", ". ", " Σ", "Σ")
        return "".join(
            self.character(first, first + 0x100) + self.rng.choice(between)
            for _ in range(self.rng.randrange(1, 12))
        )

    def damaged(self, row: str) -> str:
        """Drop or double characters of a row, or insert signs and spaces."""
        letters = list(row)
        for _ in range(self.rng.randrange(1, 4) if letters else 0):
            at = self.rng.randrange(len(letters))
            letter, sign = letters[at], self.rng.choice(SIGNS)
            put = ([], [letter, letter], [sign], [" ", letter], [letter, " "], [letter, sign])
            letters[at : at + 1] = self.rng.choice(put) if len(letters) > 1 else [sign]
        return "".join(letters)

    def word(self) -> str:
        text = self.rng.choice(self.words)
        text = self.rng.choice((str, str, str, str.upper, str.title, str.lower))(text)
        return unicodedata.normalize("NFD", text) if self.rng.random() < 0.05 else text

    def abbreviation(self) -> str:
        return f"{self.rng.choice(self.prefixes)}."

    def number(self) -> str:
        digits = self.rng.choice(_DIGITS)
        signs = ".,:\u00a0/%-"
        weights = [6] * len(digits) + [1] * len(signs)
        return "".join(self.rng.choices(digits + signs, weights, k=self.rng.randrange(1, 9)))

    def wrapped(self) -> str:
        before = self.rng.choices(SIGNS, k=self.rng.choice((0, 0, 0, 1, 1, 2)))
        after = self.rng.choices(SIGNS, k=self.rng.choice((0, 0, 1, 1, 2, 3)))
        core = self.word() if self.rng.random() < 0.8 else self.number()
        return "".join([*before, core, *after])

    def space(self) -> str:
        return self.rng.choice(_SPACES)

    def character(self, first: int, end: int) -> str:
        point = self.rng.randrange(first, min(end, 0x110000))
        return "" if 0xD800 <= point < 0xE000 else chr(point)
