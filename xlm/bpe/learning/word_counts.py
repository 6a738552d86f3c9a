"""Count the words of a sample file by file, in bounded memory, and join the counts.

    count_words(text, counts, index, file_id="en/train.00000.txt", rate=0.8, seed=0)   # each file
    merge_counts(pairs_of_counts_and_index, target, groups=range(0, 16))               # each group

The lines are those of `sample_file`, which need not be written. Words are distributed over
`GROUPS` by a hash, so that the counts of all files can be joined group by group, by several
processes, without holding all words of the corpus in one of them. A word never contains a space or
a newline.
"""

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from xlm.bpe.learning.sample import sampled_lines

GROUPS = 64
_CHUNK_BYTES = 1 << 20
_MAX_TYPES = 1_000_000
_MAX_TEXT_BYTES = 256 << 20
"""Both bound what is held before it is written: words of text are short, but need not be."""


def count_words(
    source: Path, counts: Path, index: Path, *, file_id: str, rate: float, seed: int
) -> int:
    """Count the words of the sampled lines of a file; returns the number of lines.

    Args:
        source: text file.
        counts: file for lines `word count`, where a word can occur more than once.
        index: file for the byte offsets of each group in `counts`.
        file_id: see `sample_file`, as `rate` and `seed`.
    """
    lines = 0
    with counts.open("wb") as file:
        writer = _Writer(file)
        chunk: dict[int, list[bytes]] = {}
        chunk_bytes = 0
        for line, repeats in sampled_lines(source, file_id=file_id, rate=rate, seed=seed):
            lines += repeats
            chunk.setdefault(repeats, []).append(line.removesuffix(b"\n"))
            chunk_bytes += len(line)
            if chunk_bytes >= _CHUNK_BYTES:
                writer.add(chunk, chunk_bytes)
                chunk, chunk_bytes = {}, 0
        writer.add(chunk, chunk_bytes)
        writer.write()
    index.write_text(json.dumps(writer.offsets), encoding="utf-8")
    return lines


class _Writer:
    """Counts in memory, written group by group when they are many."""

    def __init__(self, file: BinaryIO) -> None:
        self.offsets: list[list[int]] = []
        """For each time that counts were written: where each group begins, and the end."""
        self._file = file
        self._counts: Counter[bytes] = Counter()
        self._text_bytes = 0

    def add(self, lines: dict[int, list[bytes]], text_bytes: int) -> None:
        """Count the words of lines, by how often each line occurs."""
        for repeats, texts in lines.items():
            words = b" ".join(texts).split(b" ")
            if repeats == 1:
                self._counts.update(words)
            else:
                for word, count in Counter(words).items():
                    self._counts[word] += count * repeats
        self._text_bytes += text_bytes
        if len(self._counts) >= _MAX_TYPES or self._text_bytes >= _MAX_TEXT_BYTES:
            self.write()

    def write(self) -> None:
        """Write the counts and forget them."""
        self._counts.pop(b"", None)
        groups: list[list[bytes]] = [[] for _ in range(GROUPS)]
        for word, count in self._counts.items():
            groups[zlib.crc32(word) % GROUPS].append(b"%b %d\n" % (word, count))
        starts = [self._file.tell()]
        for group in groups:
            self._file.writelines(group)
            starts.append(self._file.tell())
        self.offsets.append(starts)
        self._counts.clear()
        self._text_bytes = 0


def merge_counts(files: Iterable[tuple[Path, Path]], target: Path, *, groups: Sequence[int]) -> int:
    """Join the counts of some groups; returns the number of different words.

    Args:
        files: the files `counts` and `index` of each text.
        target: file for lines `word count`, one for each word.
        groups: adjacent groups, which are held in memory one after the other.
    """
    types = 0
    sources = [(counts, json.loads(index.read_text(encoding="utf-8"))) for counts, index in files]
    with target.open("wb") as file:
        for group in groups:
            joined: dict[bytes, int] = {}
            for counts, offsets in sources:
                _add(joined, counts, [(starts[group], starts[group + 1]) for starts in offsets])
            file.writelines(b"%b %d\n" % item for item in joined.items())
            types += len(joined)
    return types


def _add(joined: dict[bytes, int], counts: Path, ranges: list[tuple[int, int]]) -> None:
    with counts.open("rb") as file:
        for start, end in ranges:
            file.seek(start)
            left = end - start
            while left > 0:
                line = file.readline()
                left -= len(line)
                word, _, count = line.rpartition(b" ")
                joined[word] = joined.get(word, 0) + int(count)
