"""Counts of the words of a sample, file by file and joined."""

from collections import Counter
from pathlib import Path

import pytest

from xlm.bpe.learning import word_counts
from xlm.bpe.learning.memory import available_bytes
from xlm.bpe.learning.sample import sample_file
from xlm.bpe.learning.word_counts import GROUPS, count_words, merge_counts

TEXTS = {
    # Only spaces and newlines separate words.
    "en": "the  house\tand the\u2028house \u00a0 \r\n\nthe " + "x" * 300 + "\n" + "ab c\n" * 40,
    "th": "\n".join(f"คำ{number % 37} the {number}" for number in range(500)),
    "empty": "",
}


def _words(path: Path) -> "Counter[bytes]":
    counts: Counter[bytes] = Counter()
    for word in path.read_bytes().replace(b"\n", b" ").split(b" "):
        counts[word] += 1
    del counts[b""]
    return counts


def _counted(path: Path) -> dict[bytes, int]:
    lines = [line.rpartition(b" ") for line in path.read_bytes().split(b"\n") if line]
    found = {word: int(count) for word, _, count in lines}
    assert len(found) == len(lines), "a word has two counts"
    return found


@pytest.mark.parametrize("rate", [0.4, 1.0, 2.3])
@pytest.mark.parametrize("max_types", [3, 1_000_000])
def test_joined_counts_are_those_of_the_sampled_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: float, max_types: int
) -> None:
    """Also if the counts were written several times, because there were too many."""
    monkeypatch.setattr(word_counts, "_MAX_TYPES", max_types)
    monkeypatch.setattr(word_counts, "_CHUNK_BYTES", 64)
    expected: Counter[bytes] = Counter()
    pairs = []
    for name, text in TEXTS.items():
        source, sample = tmp_path / name, tmp_path / f"{name}.sample"
        source.write_bytes(text.encode())
        counts, index = tmp_path / f"{name}.words", tmp_path / f"{name}.index"
        options = {"file_id": name, "rate": rate, "seed": 7}
        lines = count_words(source, counts, index, **options)  # type: ignore[arg-type]
        assert lines == sample_file(source, sample, **options)  # type: ignore[arg-type]
        expected += _words(sample)
        pairs.append((counts, index))
    joined: dict[bytes, int] = {}
    for number, groups in enumerate((range(5), range(5, GROUPS))):
        target = tmp_path / f"merged.{number}"
        types = merge_counts(pairs, target, groups=groups)
        found = _counted(target)
        assert types == len(found)
        assert joined.keys().isdisjoint(found)
        joined |= found
    assert joined == expected


def test_free_memory_is_known() -> None:
    assert 10_000_000 < available_bytes() < 1 << 50
