"""The Moses chain, fast: a line is cut at U+0020 and each piece is looked up in a memo.

Exactly what the rules make of the whole line, for this is all that a rule can see across a space:

* two apostrophes share the space between them, and a quote behind a stop uses up a stop in front of
  the next piece: such neighbours are one piece (`_touch`). Brackets and `: ; % ! ?` pull spaces
  away in the filters, but the tokenizer sets them apart again whatever stands beside them, all but
  the colon of Finnish and Swedish;
* a full stop at the end of a piece looks at the first character of the next (`Stop`);
* the last piece has rules of its own;
* a sign in front of the first piece may depend on there being nothing before it, and white space
  or a control character at the end of a piece may hide what touches: such lines go the slow way.

Tests compare both ways on generated lines in every language.
"""

import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise

from xlm.text.characters import tables as characters
from xlm.text.moses.dots import show_dots
from xlm.text.moses.memo import Memo
from xlm.text.moses.punctuation import (
    FULL_STOPS,
    REPLACED,
    SIGNS_OF_RULES,
    Filter,
    replace_unicode_punctuation,
)
from xlm.text.moses.tokenizer import Moses, Stop, join, split_stop

_MARK = "\n"
"""In a memo: what needs a second look. It cannot be in a result, for it cannot be in a line."""
_SLOW = _MARK

_STOPS = frozenset(".．。…")
_COMMAS = frozenset(",，、")
_COLONS = frozenset(":：∶")
_APOSTROPHES = frozenset("'’‘‚`´")
_QUOTES = _APOSTROPHES | frozenset('"“”„«»《》「」')


class CachedMosesTokenizer:
    """Filters, tokenizer and what is done to their tokens, as one function of a line.

    Args:
        finish_piece: applied to tokens, any number of them together, each for itself.
        finish_line: the same for tokens that end a line.
    """

    def __init__(
        self,
        filters: Filter,
        moses: Moses,
        finish_piece: Callable[[str], str],
        finish_line: Callable[[str], str],
    ) -> None:
        self._filters, self._moses = filters, moses
        self._simple, self._inner_sign = _simple().fullmatch, moses.inner_sign
        self._colons = _COLONS if moses.inner_sign == ":" else frozenset()
        self._special = _STOPS | _COMMAS | _APOSTROPHES | self._colons
        self._finish_piece, self._finish_line = finish_piece, finish_line
        self._middle, self._end = Memo(self._middle_of), Memo(self._end_of)

    def fast(self, line: str) -> str:
        """The finished tokens of a line, from what its pieces gave before."""
        pieces = line.split(" ")
        last = pieces.pop()
        text = " ".join([*map(self._middle.__getitem__, pieces), self._end[last]])
        return self._carefully(line) if _MARK in text else text

    def exact(self, line: str) -> str:
        """The same by the rules alone."""
        return self._finish_line(self._moses(self._filters(line)))

    def _carefully(self, line: str) -> str:
        pieces = self._joined(line)
        if not pieces or pieces[0][0] in self._special:
            return self.exact(line)
        found = []
        for piece, following in pairwise(pieces):
            text = self._middle[piece]
            if _MARK in text:
                if text == _SLOW:
                    return self.exact(line)
                _, text, *undecided = text.split(_MARK)
                if undecided:
                    split, before_digits = undecided
                    start = replace_unicode_punctuation(following[0])[0]
                    stop = Stop(stays_before_digits=bool(before_digits))
                    text = text if stop.stays_before(start) else split
            found.append(text)
        last = self._end[pieces[-1]]
        if last == _SLOW:
            return self.exact(line)
        found.append(last.removeprefix(_MARK))
        return " ".join(found)

    def _middle_of(self, piece: str) -> str:
        """Tokens of a piece that another one follows.

        Marked: `MARK tokens` where they hold unless the piece touches a neighbour, and
        `MARK tokens MARK tokens MARK 9?` where the last full stop is undecided.
        """
        simple = self._simple(piece)
        if simple and simple[1] and "DOTMULTI" not in piece:
            return self._finish_piece(piece)
        words = self._simple_words(piece)
        if not words:
            text = self._filtered(piece)
            if not text:
                return _SLOW
            words = self._moses.set_apart(f" {text} ")[1:-1].split(" ")
        last = words[-1]
        kept = self._finish_middle(words, last)
        if last.endswith("."):
            stop = self._moses.stop(last)
            if not stop.stays:
                split = self._finish_middle(words, split_stop(last))
                return _MARK.join(["", kept, split, "9" if stop.stays_before_digits else ""])
        return _MARK + kept if piece[0] in self._special else kept

    def _finish_middle(self, words: list[str], last: str) -> str:
        return self._finish_piece(show_dots(join(self._moses.split_stops(words, last))))

    def _end_of(self, piece: str) -> str:
        """Tokens of a piece that ends a line, marked where it may touch the one before."""
        words = self._simple_words(piece)
        if not words:
            text = self._filtered(piece)
            if not text:
                return _SLOW
            words = self._moses.set_apart(f" {text}")[1:].rstrip(" ").split(" ")
        tokens = self._finish_line(self._moses.last_words(words))
        return _MARK + tokens if piece[0] in self._special else tokens

    def _simple_words(self, piece: str) -> list[str]:
        """The words of a piece that only the rule of "other" signs applies to, or none.

        Such are most: letters, digits and signs without rules of their own, with one comma or full
        stop behind them or not.
        """
        end = piece[-1:] if piece.endswith((",", ".")) else ""
        core = piece.removesuffix(end)
        simple = self._simple(core)
        if simple is None or "DOTMULTI" in core or (self._inner_sign and self._inner_sign in core):
            return []
        if simple[1]:
            return [core, end] if end == "," else [piece]
        if end and core[-1] == '"':  # they change places
            return []
        words = piece.removesuffix(",").translate(self._moses.pad).split()
        return [*words, end] if end == "," else words

    def _filtered(self, piece: str) -> str:
        """The piece through the filters; nothing where its ends may hide what touches."""
        if not piece or _hides(piece[0]) or _hides(piece[-1]):
            return ""
        return " ".join(self._filters(piece).split())

    def _joined(self, line: str) -> list[str]:
        """The pieces of a line, those that touch joined."""
        groups: list[list[str]] = []
        end = ""
        for piece in line.split(" "):
            if piece:
                start = piece[0]
                if end and start in self._special and self._touch(end, start):
                    groups[-1].append(piece)
                else:
                    groups.append([piece])
                end = piece[-1]
        return [" ".join(group) for group in groups]

    def _touch(self, end: str, start: str) -> bool:
        """Whether a rule sees both of these characters, with a space between them."""
        return (
            start in self._colons
            or (start in _STOPS and end in _QUOTES)
            or (start in _APOSTROPHES and end in _APOSTROPHES)
        )


def _hides(character: str) -> bool:
    if character in characters.WHITE_SPACES:
        return True
    return bool(characters.kinds()[ord(character)] & characters.OTHER)


@cache
def _simple() -> re.Pattern[str]:
    """Letters, digits and hyphens (the first group), or those and signs that are only set apart.

    The basic plane is enough. Brackets have rules, but the tokenizer undoes them (see above).
    """
    letters = _class("Alphabetic", "Nd")
    ruled = {*REPLACED, *FULL_STOPS, *SIGNS_OF_RULES, *".,'"} - {*"()"}
    others = _class("C") + re.escape("".join(sorted({*ruled, *characters.WHITE_SPACES})))
    return re.compile(f"([{letters}-]++)|[^{others}\U00010000-\U0010ffff]++")


def _class(*tables: str) -> str:
    """Their ranges in the basic plane; full-width digits, which become ASCII, are left out."""
    ranges = (span for table in tables for span in characters.ranges(table))
    return "".join(
        f"{chr(first)}-{chr(min(last, 0xFFFF))}"
        for first, last in ranges
        if first <= 0xFFFF and chr(first) not in REPLACED
    )
