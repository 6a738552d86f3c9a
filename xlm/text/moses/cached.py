"""The Moses rules with a cache: a line is cut at U+0020 and each chunk is looked up.

The result equals that of the rules on the complete line, because few rules look across a space:

* Two apostrophes share the space between them, and a quote after a full stop consumes a full stop
  at the start of the next chunk. Such neighbors are joined to one chunk (`_interact`). Brackets and
  `: ; % ! ?` remove spaces in the filters, but the tokenizer separates them again in any context,
  except for the colon in Finnish and Swedish.
* The rule for a full stop at the end of a chunk depends on the first character of the next chunk
  (`Stop`).
* The last chunk has different rules.
* Some rules need to know that nothing precedes the first chunk, and white space or control
  characters at the end of a chunk can hide the characters that interact. Such lines are tokenized
  without the cache.

Tests compare both paths on generated lines in each language.
"""

import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise

from xlm.text.characters import tables as characters
from xlm.text.moses.dots import show_dots
from xlm.text.moses.memo import MAX_ENTRIES, Memo
from xlm.text.moses.punctuation import (
    FULL_STOPS,
    REPLACED,
    SIGNS_OF_RULES,
    Filter,
    replace_unicode_punctuation,
)
from xlm.text.moses.tokenizer import MosesTokenizer, Stop, join, split_stop

_MARKER = "\n"
"""Marks a cached result that depends on its neighbors. It never occurs in a line."""
_UNCACHED = _MARKER
"""Result for a chunk that cannot be tokenized alone."""

_STOPS = frozenset(".．。…")
_COMMAS = frozenset(",，、")
_COLONS = frozenset(":：∶")
_APOSTROPHES = frozenset("'’‘‚`´")
_QUOTES = _APOSTROPHES | frozenset('"“”„«»《》「」')


class CachedMosesTokenizer:
    """Filters, Moses tokenizer and a final function on tokens, with a cache of chunks.

    Args:
        filters: the punctuation filters.
        moses: the Moses tokenizer.
        finish_chunk: applied to the tokens of a chunk; must treat each token independently.
        finish_line: the same for the tokens at the end of a line.
    """

    def __init__(
        self,
        filters: Filter,
        moses: MosesTokenizer,
        finish_chunk: Callable[[str], str],
        finish_line: Callable[[str], str],
    ) -> None:
        self._filters, self._moses = filters, moses
        self._simple, self._inner_sign = _simple().fullmatch, moses.inner_sign
        self._colons = _COLONS if moses.inner_sign == ":" else frozenset()
        self._special = _STOPS | _COMMAS | _APOSTROPHES | self._colons
        self._finish_chunk, self._finish_line = finish_chunk, finish_line
        self._middle = Memo(self._tokenize_middle)
        # A line has one last chunk, so a large text would still fill this one for long.
        self._end = Memo(self._tokenize_end, entries=MAX_ENTRIES // 16)

    def tokenize_cached(self, line: str) -> str:
        """Tokenize a line, with cached results of its chunks."""
        chunks = line.split(" ")
        last = chunks.pop()
        text = " ".join([*map(self._middle.__getitem__, chunks), self._end[last]])
        return self._tokenize_joined(line) if _MARKER in text else text

    def tokenize_uncached(self, line: str) -> str:
        """Tokenize a line by the rules alone."""
        return self._finish_line(self._moses(self._filters(line)))

    def _tokenize_joined(self, line: str) -> str:
        """Tokenize a line with chunks that depend on their neighbors."""
        chunks = self._join_interacting(line)
        if not chunks or chunks[0][0] in self._special:
            return self.tokenize_uncached(line)
        found = []
        for chunk, following in pairwise(chunks):
            text = self._middle[chunk]
            if _MARKER in text:
                if text == _UNCACHED:
                    return self.tokenize_uncached(line)
                _, text, *undecided = text.split(_MARKER)
                if undecided:
                    split, before_digits = undecided
                    start = replace_unicode_punctuation(following[0])[0]
                    stop = Stop(stays_before_digits=bool(before_digits))
                    text = text if stop.stays_before(start) else split
            found.append(text)
        last = self._end[chunks[-1]]
        if last == _UNCACHED:
            return self.tokenize_uncached(line)
        found.append(last.removeprefix(_MARKER))
        return " ".join(found)

    def _tokenize_middle(self, chunk: str) -> str:
        """Tokenize a chunk that another chunk follows.

        The result is `MARKER tokens` if a previous chunk could change it. It is
        `MARKER tokens MARKER tokens MARKER 9?` if the next chunk decides about the last full stop:
        the tokens with the stop attached, with the stop split, and whether digits keep it attached.
        """
        simple = self._simple(chunk)
        if simple and simple[1] and "DOTMULTI" not in chunk:
            return self._finish_chunk(chunk)
        words = self._simple_words(chunk)
        if not words:
            text = self._filtered(chunk)
            if not text:
                return _UNCACHED
            words = self._moses.separate_signs(f" {text} ")[1:-1].split(" ")
        last = words[-1]
        attached = self._finish_middle(words, last)
        if last.endswith("."):
            stop = self._moses.stop(last)
            if not stop.stays:
                split = self._finish_middle(words, split_stop(last))
                return _MARKER.join(["", attached, split, "9" if stop.stays_before_digits else ""])
        return _MARKER + attached if chunk[0] in self._special else attached

    def _finish_middle(self, words: list[str], last: str) -> str:
        return self._finish_chunk(show_dots(join(self._moses.split_stops(words, last))))

    def _tokenize_end(self, chunk: str) -> str:
        """Tokenize the last chunk of a line; marked if the chunk before could change the result."""
        words = self._simple_words(chunk)
        if not words:
            text = self._filtered(chunk)
            if not text:
                return _UNCACHED
            words = self._moses.separate_signs(f" {text}")[1:].rstrip(" ").split(" ")
        tokens = self._finish_line(self._moses.join_last_words(words))
        return _MARKER + tokens if chunk[0] in self._special else tokens

    def _simple_words(self, chunk: str) -> list[str]:
        """Return the words of a chunk without special rules; else an empty list.

        Most chunks are simple: letters, digits and signs that are only separated, optionally
        followed by one comma or full stop.
        """
        end = chunk[-1:] if chunk.endswith((",", ".")) else ""
        core = chunk.removesuffix(end)
        simple = self._simple(core)
        if simple is None or "DOTMULTI" in core or (self._inner_sign and self._inner_sign in core):
            return []
        if simple[1]:
            return [core, end] if end == "," else [chunk]
        if end and core[-1] == '"':  # the filters swap them
            return []
        words = chunk.removesuffix(",").translate(self._moses.padding).split()
        return [*words, end] if end == "," else words

    def _filtered(self, chunk: str) -> str:
        """Filter a chunk; returns "" if its ends could hide characters that interact."""
        if not chunk or _hides_neighbors(chunk[0]) or _hides_neighbors(chunk[-1]):
            return ""
        return " ".join(self._filters(chunk).split())

    def _join_interacting(self, line: str) -> list[str]:
        """Split a line at spaces, and join chunks that interact."""
        groups: list[list[str]] = []
        end = ""
        for chunk in line.split(" "):
            if chunk:
                start = chunk[0]
                if end and start in self._special and self._interact(end, start):
                    groups[-1].append(chunk)
                else:
                    groups.append([chunk])
                end = chunk[-1]
        return [" ".join(group) for group in groups]

    def _interact(self, end: str, start: str) -> bool:
        """Whether a rule looks at both characters, with a space between them."""
        return (
            start in self._colons
            or (start in _STOPS and end in _QUOTES)
            or (start in _APOSTROPHES and end in _APOSTROPHES)
        )


def _hides_neighbors(character: str) -> bool:
    """Whether a rule can see past this character, because a filter changes it to a space."""
    if character in characters.WHITE_SPACES:
        return True
    return bool(characters.character_flags()[ord(character)] & characters.OTHER)


@cache
def _simple() -> re.Pattern[str]:
    """Match letters, digits and hyphens (group 1), or these and signs that are only separated.

    The basic plane is enough. Brackets have rules, but the tokenizer undoes them (see above).
    """
    letters = _class("Alphabetic", "Nd")
    ruled = {*REPLACED, *FULL_STOPS, *SIGNS_OF_RULES, *".,'"} - {*"()"}
    others = _class("C") + re.escape("".join(sorted({*ruled, *characters.WHITE_SPACES})))
    return re.compile(f"([{letters}-]++)|[^{others}\U00010000-\U0010ffff]++")


def _class(*tables: str) -> str:
    """Format the ranges of tables as a character class, without the signs that become ASCII."""
    ranges = (span for table in tables for span in characters.ranges(table))
    return "".join(
        f"{chr(first)}-{chr(min(last, 0xFFFF))}"
        for first, last in ranges
        if first <= 0xFFFF and chr(first) not in REPLACED
    )
