"""Apply BPE merges: words to subwords, with `@@` after each subword but the last of a word.

    bpe = BpeApplier(Path("codes"))
    bpe.lines(["lower newest"])  # ["low@@ er newest"]

Codes files of fastBPE go through its Python module, those of subword-nmt through `long_words.py`.
The subwords of a word depend on the word alone, so each word is split once and cached. White space
and empty lines are preserved.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from xlm.bpe.codes_file import read_merges
from xlm.bpe.long_words import split_long_word
from xlm.bpe.restrict import VocabularyRestriction

_BATCH_CHARACTERS = 1 << 18
_MAX_CACHED_CHARACTERS = 1 << 18
"""Limit of each of two generations of cached words: 32,000 words, which a few MB of text fill.

Words and subwords take about 15 bytes a character."""
_LONG_WORD_CHARACTERS = 60
"""Up to about this length the module is faster than `split_long_word`."""


class BpeApplier:
    """Splits words with the merges of one codes file; caches words, within a limit.

    Args:
        codes: codes file of fastBPE or subword-nmt.
        allowed: tokens of a vocabulary, with `@@` where they do not end a word. Other subwords are
            split further (`restrict.py`). None allows all subwords.

    Raises:
        DataError: the file is not a codes file.
    """

    def __init__(self, codes: Path, *, allowed: frozenset[str] | None = None) -> None:
        # The module does not validate its file, so the file is validated first.
        self._merges = read_merges(codes)
        self._module = _load_module(codes) if self._merges.counted else None
        self._restrict = (
            None if allowed is None else VocabularyRestriction(allowed, self._merges.ranks)
        )
        self._subwords: dict[str, str] = {"": ""}
        self._older: dict[str, str] = {}
        self._cached_characters = 0

    def lines(self, lines: Iterable[str]) -> list[str]:
        """Split lines without their newlines; returns one line for each."""
        split = [line.split(" ") for line in lines]
        self._cache_words(set().union(*split))
        subwords_of = self._subwords.__getitem__
        return [" ".join(map(subwords_of, words)) for words in split]

    def _cache_words(self, words: set[str]) -> None:
        new = words.difference(self._subwords)
        size = sum(map(len, new))
        if self._cached_characters + size > _MAX_CACHED_CHARACTERS:
            # Words that are used again return from the older generation.
            self._older, self._subwords = self._subwords, {"": ""}
            new = words - {""}
            size = sum(map(len, new))
            self._cached_characters = 0
        self._cached_characters += size
        known = {word: self._older[word] for word in new if word in self._older}
        new -= known.keys()
        self._subwords.update(known)
        self._subwords.update(self._split(new))

    def _split(self, new: set[str]) -> dict[str, str]:
        """The subwords of words that are not cached."""
        longest = _LONG_WORD_CHARACTERS if self._module else 0
        short = [word for word in new if len(word) <= longest]
        found = dict(zip(short, self._module.apply(short), strict=True)) if self._module else {}
        if len(short) < len(new):
            ranks, separate_end = self._merges.ranks, self._merges.separate_end
            for word in new:
                if len(word) > longest:
                    found[word] = split_long_word(word, ranks, separate_end=separate_end)
        if self._restrict:
            found = {word: self._restrict(subwords) for word, subwords in found.items()}
        return found


def _load_module(codes: Path) -> Any:
    with _silent_stderr():
        from fastBPE import fastBPE

        return fastBPE(str(codes))


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Discard what the C++ module prints to file descriptor 2 while it loads."""
    stderr = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(null)
        os.close(stderr)


@cache
def _load_applier(codes: Path) -> BpeApplier:
    return BpeApplier(codes)


def apply_bpe_to_file(source: Path, target: Path, *, codes: Path, labelled: bool) -> dict[str, int]:
    """Split each line of a text file, or the one or two sentences of each labelled row.

    Holds a part of a megabyte of text in memory, at least one line.

    Args:
        labelled: whether the lines are rows of sentences and a label, separated by tabs.

    Returns:
        The counts of lines, words and tokens.
    """
    bpe = _load_applier(codes)
    counts = {"lines": 0, "words": 0, "tokens": 0}
    with (
        source.open(encoding="utf-8", newline="\n") as lines,
        target.open("w", encoding="utf-8", newline="\n") as out,
    ):
        while batch := lines.readlines(_BATCH_CHARACTERS):
            texts = [line.removesuffix("\n") for line in batch]
            labels = [""] * len(texts)
            if labelled:
                rows = [text.split("\t") for text in texts]
                texts = [text for row in rows for text in row[:-1]]
                labels = [f"\t{row[-1]}" for row in rows]
            split = bpe.lines(texts)
            counts["lines"] += len(batch)
            counts["words"] += _count_fields(texts)
            counts["tokens"] += _count_fields(split)
            if labelled:
                following = iter(split)
                split = ["\t".join([next(following) for _ in row[:-1]]) for row in rows]
            out.writelines(f"{text}{label}\n" for text, label in zip(split, labels, strict=True))
    return counts


def _count_fields(texts: Iterable[str]) -> int:
    """Count fields between white space of any kind, as the encoder to ids does."""
    return len("\n".join(texts).split())
