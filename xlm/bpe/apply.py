"""Applying codes with the fastBPE module: words to pieces, `@@` on each piece but the last.

    apply = Applier(Path("codes"))
    apply.lines(["lower newest"])  # ["low@@ er newest"]

Every word's pieces depend on the word alone, so words are split once and remembered; white space
and empty lines stay exactly where they were.
"""

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from xlm.errors import DataError

_BATCH_LINES = 20_000
_MEMORY_WORDS = 500_000


class Applier:
    """The codes of one file, with a memory of the words seen.

    Raises:
        DataError: the file is not a codes file.
    """

    def __init__(self, codes: Path) -> None:
        check_codes(codes)  # the module would end the process instead
        self._module = _load_module(codes)
        self._pieces: dict[str, str] = {"": ""}

    def lines(self, lines: Iterable[str]) -> list[str]:
        """Pieces of lines without their newlines, one out for each in."""
        split = [line.split(" ") for line in lines]
        self._learn({word for words in split for word in words})
        pieces = self._pieces
        return [" ".join([pieces[word] for word in words]) for words in split]

    def _learn(self, words: set[str]) -> None:
        if len(self._pieces) + len(words) > _MEMORY_WORDS:
            self._pieces = {"": ""}
        new = [word for word in words if word not in self._pieces]
        self._pieces.update(zip(new, self._module.apply(new), strict=True))


def _load_module(codes: Path) -> Any:
    """The module's applier; in a worker process its chatter is kept off the terminal."""
    from fastBPE import fastBPE

    if multiprocessing.parent_process() is None:
        return fastBPE(str(codes))
    # It writes to file descriptor 2 from C++; other threads of a driver may need that one.
    stderr = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silence, 2)
        return fastBPE(str(codes))
    finally:
        os.dup2(stderr, 2)
        os.close(silence)
        os.close(stderr)


def check_codes(path: Path) -> int:
    """Count the merges of a codes file, each line `left right count`.

    Raises:
        DataError: a line has another form.
    """
    count = 0
    with path.open(encoding="utf-8", newline="\n") as lines:
        for count, line in enumerate(lines, start=1):
            fields = line.rstrip("\n").split(" ")
            if len(fields) != 3 or not all(fields) or not fields[2].isdigit():
                raise DataError(
                    f"{path}, line {count}: not `left right count`: {line.rstrip()!r}",
                    fix="give a codes file as fastBPE writes it",
                )
    return count


@cache
def _applier(codes: Path) -> Applier:
    return Applier(codes)


def apply_to_file(source: Path, target: Path, *, codes: Path, inference: bool) -> dict[str, int]:
    """Split every line of a text file, or the two sentences of every XNLI row.

    Counts lines, words and pieces.
    """
    apply = _applier(codes)
    counts = {"lines": 0, "words": 0, "tokens": 0}
    with (
        source.open(encoding="utf-8", newline="\n") as lines,
        target.open("w", encoding="utf-8", newline="\n") as out,
    ):
        for batch in _batches(line.removesuffix("\n") for line in lines):
            rows = [line.split("\t", 2) if inference else [line] for line in batch]
            texts = [text for row in rows for text in row[:2]]
            pieces = apply.lines(texts)
            following = iter(pieces)
            for row in rows:
                out.write("\t".join([next(following) for _ in row[:2]] + row[2:]) + "\n")
            counts["lines"] += len(batch)
            counts["words"] += sum(len(text.split()) for text in texts)
            counts["tokens"] += sum(len(text.split()) for text in pieces)
    return counts


def _batches(lines: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(lines, _BATCH_LINES)):
        yield batch
