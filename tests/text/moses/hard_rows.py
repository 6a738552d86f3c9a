"""Seeded rows that are hard to tokenize: what ports of the original tools get wrong, and noise.

Six ways to make a row, mixed, and a seventh that damages rows of the others: what breaks a port is
rarely one sign, but two signs and a space that meet.
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
    """As many rows for a language as asked for; the same ones for the same seed.

    Args:
        prefixes: words whose full stop may stay; they are met more often, before all things.
    """
    rows = _Rows(random.Random(f"{seed} {language}"), language, list(prefixes) or ["Dr", "No"])
    return [rows.next().replace("\n", " ") for _ in range(count)]


def often_numeric(prefixes: Mapping[str, bool]) -> list[str]:
    """Words whose full stop may stay, those where it needs a number as often as all others."""
    numeric = sorted(word for word, only_before_numbers in prefixes.items() if only_before_numbers)
    others = sorted(prefixes.keys() - set(numeric))
    return others + numeric * (len(others) // max(1, len(numeric)))


class _Rows:
    def __init__(self, chance: random.Random, language: str, prefixes: list[str]) -> None:
        self.chance, self.prefixes = chance, prefixes
        own = WORDS.get(language, WORDS["en"]).split()
        self.words = own * 12 + " ".join(WORDS.values()).split() + OTHERS * 2
        self.before = ""

    def next(self) -> str:
        makers = [self.text, self.edges, self.soup, self.traps, self.anything, self.block]
        row = self.chance.choices(makers, (6, 6, 5, 4, 1, 1))[0]()
        if self.chance.random() < 0.15:
            row = self.damaged(self.chance.choice((row, self.before)))
        if self.chance.random() < 0.02:
            row = "".join(self.chance.choices(_SPACES, k=self.chance.randrange(4)))
        self.before = row
        return row

    def text(self) -> str:
        """Running text with signs around its words and odd spaces between them."""
        parts: list[str] = []
        for _ in range(self.chance.randrange(1, 14)):
            parts += self.wrapped() if self.chance.random() < 0.5 else self.word(), self.space()
        return "".join(parts).rstrip(" ") + self.chance.choice(_ENDS)

    def edges(self) -> str:
        """Words, abbreviations and numbers, with what a rule may see on each side of a space."""
        gap = self.chance.choice((" ",) * 8 + ("  ", f" {self.chance.choice(_HIDDEN)}"))
        parts: list[str] = []
        for _ in range(self.chance.randrange(1, 5)):
            before, after = self.chance.choices(_EDGES, k=2)
            whole = self.chance.choice((self.word, self.abbreviation, self.number, str))()
            parts += self.chance.choice(("", before)), whole, self.chance.choice(("", after)), gap
        return "".join(parts[:-1]) if self.chance.random() < 0.8 else "".join(parts)

    def soup(self) -> str:
        """A few characters and traps, in any order and number."""
        few = self.chance.choices(_SOUP, k=self.chance.randrange(2, 7))
        few += [" "] * self.chance.randrange(3)
        return "".join(self.chance.choices(few, k=self.chance.randrange(1, 24)))

    def traps(self) -> str:
        """Words and numbers beside what ports get wrong."""
        parts: list[str] = []
        for _ in range(self.chance.randrange(1, 9)):
            whole = self.chance.choice((self.word, self.wrapped, self.number, self.abbreviation))()
            parts += whole, self.chance.choice(TRAPS), self.chance.choice(("", "", " "))
        self.chance.shuffle(parts)
        return "".join(parts)

    def anything(self) -> str:
        """Code points of all planes."""
        top = self.chance.choice(_PLANES)
        return "".join(self.character(0, top) for _ in range(self.chance.randrange(1, 30)))

    def block(self) -> str:
        """Neighbours in the code charts, so that all of a script meets the signs."""
        first = self.chance.randrange(0x1100) * 0x100
        between = ("", "", " ", "a", ".", "'", "'s ", ",", ". ", " Σ", "Σ")
        return "".join(
            self.character(first, first + 0x100) + self.chance.choice(between)
            for _ in range(self.chance.randrange(1, 12))
        )

    def damaged(self, row: str) -> str:
        """A row with characters dropped, doubled, or pushed away by a sign or a space."""
        letters = list(row)
        for _ in range(self.chance.randrange(1, 4) if letters else 0):
            at = self.chance.randrange(len(letters))
            letter, sign = letters[at], self.chance.choice(SIGNS)
            put = ([], [letter, letter], [sign], [" ", letter], [letter, " "], [letter, sign])
            letters[at : at + 1] = self.chance.choice(put) if len(letters) > 1 else [sign]
        return "".join(letters)

    def word(self) -> str:
        text = self.chance.choice(self.words)
        text = self.chance.choice((str, str, str, str.upper, str.title, str.lower))(text)
        return unicodedata.normalize("NFD", text) if self.chance.random() < 0.05 else text

    def abbreviation(self) -> str:
        return f"{self.chance.choice(self.prefixes)}."

    def number(self) -> str:
        digits = self.chance.choice(_DIGITS)
        signs = ".,:\u00a0/%-"
        weights = [6] * len(digits) + [1] * len(signs)
        return "".join(self.chance.choices(digits + signs, weights, k=self.chance.randrange(1, 9)))

    def wrapped(self) -> str:
        before = self.chance.choices(SIGNS, k=self.chance.choice((0, 0, 0, 1, 1, 2)))
        after = self.chance.choices(SIGNS, k=self.chance.choice((0, 0, 1, 1, 2, 3)))
        whole = self.word() if self.chance.random() < 0.8 else self.number()
        return "".join([*before, whole, *after])

    def space(self) -> str:
        return self.chance.choice(_SPACES)

    def character(self, first: int, end: int) -> str:
        point = self.chance.randrange(first, min(end, 0x110000))
        return "" if 0xD800 <= point < 0xE000 else chr(point)
