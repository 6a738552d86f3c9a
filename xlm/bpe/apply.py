"""Applying codes: words to pieces, `@@` on each piece but the last.

    apply = BpeApplier(Path("codes"))
    apply.lines(["lower newest"])  # ["low@@ er newest"]

Codes of fastBPE go through its module, those of subword-nmt through `long_words.py`. Every word's
pieces depend on the word alone, so words are split once and remembered; white space and empty lines
stay exactly where they were.
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

_BATCH_CHARACTERS = 1 << 21
_MEMORY_CHARACTERS = 1 << 23
"""Of the words remembered; they and their pieces take some 15 bytes a character in all."""
_LONG_WORD_CHARACTERS = 60
"""Up to about this length the module is faster than `split_long_word`."""


class BpeApplier:
    """The codes of one file, with a memory of the words seen, which is bounded.

    Args:
        allowed: tokens of a vocabulary, with `@@` where they do not end a word; pieces outside of
            it are cut again (`restrict.py`). None: all pieces.

    Raises:
        DataError: the file is not a codes file.
    """

    def __init__(self, codes: Path, *, allowed: frozenset[str] | None = None) -> None:
        # The module itself would read nonsense where the file is none of codes.
        self._codes = read_merges(codes)
        self._module = _load_module(codes) if self._codes.counted else None
        self._restrict = (
            None if allowed is None else VocabularyRestriction(allowed, self._codes.ranks)
        )
        self._pieces: dict[str, str] = {"": ""}
        self._held_characters = 0

    def lines(self, lines: Iterable[str]) -> list[str]:
        """Pieces of lines without their newlines, one out for each in."""
        split = [line.split(" ") for line in lines]
        self._learn(set().union(*split))
        pieces_of = self._pieces.__getitem__
        return [" ".join(map(pieces_of, words)) for words in split]

    def _learn(self, words: set[str]) -> None:
        new = words.difference(self._pieces)
        size = sum(map(len, new))
        if self._held_characters + size > _MEMORY_CHARACTERS:
            self._pieces = {"": ""}
            new = words - {""}
            size = sum(map(len, new))
            self._held_characters = 0
        self._held_characters += size
        most = _LONG_WORD_CHARACTERS if self._module else 0
        short = [word for word in new if len(word) <= most]
        found = dict(zip(short, self._module.apply(short), strict=True)) if self._module else {}
        if len(short) < len(new):
            ranks, end_apart = self._codes.ranks, self._codes.end_apart
            for word in new:
                if len(word) > most:
                    found[word] = split_long_word(word, ranks, end_apart=end_apart)
        if self._restrict:
            found = {word: self._restrict(pieces) for word, pieces in found.items()}
        self._pieces.update(found)


def _load_module(codes: Path) -> Any:
    with _without_chatter():
        from fastBPE import fastBPE

        return fastBPE(str(codes))


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """Keep off the terminal what the module writes to file descriptor 2, from C++, as it loads."""
    stderr = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silence, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(silence)
        os.close(stderr)


@cache
def _applier(codes: Path) -> BpeApplier:
    return BpeApplier(codes)


def apply_bpe_to_file(source: Path, target: Path, *, codes: Path, nli: bool) -> dict[str, int]:
    """Split every line of a text file, or the two sentences of every XNLI row.

    Counts lines, words and pieces. Holds a few MB of the text at a time, at least one line.
    """
    apply = _applier(codes)
    counts = {"lines": 0, "words": 0, "tokens": 0}
    with (
        source.open(encoding="utf-8", newline="\n") as lines,
        target.open("w", encoding="utf-8", newline="\n") as out,
    ):
        while batch := lines.readlines(_BATCH_CHARACTERS):
            texts = [line.removesuffix("\n") for line in batch]
            rests = [""] * len(texts)
            if nli:
                rows = [text.split("\t", 2) for text in texts]
                texts = [text for row in rows for text in row[:2]]
                rests = ["".join(f"\t{field}" for field in row[2:]) for row in rows]
            pieces = apply.lines(texts)
            counts["lines"] += len(batch)
            counts["words"] += _count_fields(texts)
            counts["tokens"] += _count_fields(pieces)
            if nli:
                following = iter(pieces)
                pieces = ["\t".join([next(following) for _ in row[:2]]) for row in rows]
            out.writelines(f"{text}{rest}\n" for text, rest in zip(pieces, rests, strict=True))
    return counts


def _count_fields(texts: Iterable[str]) -> int:
    """What white space of any kind separates: the rule by which pieces become ids."""
    return len("\n".join(texts).split())
