"""Codes and vocabulary files with random bytes: each error is a DataError of one line."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from xlm.bpe.codes_file import read_merge_ranks, read_merges
from xlm.bpe.restrict import VocabularyRestriction, read_allowed_tokens
from xlm.bpe.vocabulary import (
    SPECIAL_TOKENS,
    VOCABULARY_FILE,
    Vocabulary,
    load_vocabulary,
    read_counted_vocabulary,
    write_vocabulary,
)
from xlm.errors import DataError

CODES = "".join(
    f"{chr(97 + i % 26)} {chr(98 + i % 25)}{'</w>' * (i % 2)} {99 - i}\n" for i in range(40)
)
SUBWORD_NMT = "#version: 0.2\n" + "".join(f"{chr(97 + i)} {chr(98 + i)}\n" for i in range(20))
COUNTS = "".join(f"{chr(97 + i)}@@ {99 - i}\n" for i in range(40))
PARTS = [
    b"\0", b" ", b"  ", b"\n", b"\r", b"\t", b"\xff", b"\xed\xa0\x80", b"9" * 5000, b"-", b"</w>",
    b"@@", "\u00a0".encode(), "\u2028".encode(), "\ufeff".encode(), "\u0663".encode(),
    b"#version: 9",    b"<s>", b"1e9", b"[" * 3000, b"null", b'"', b"{}", b"NaN",
]  # fmt: skip


def _published(path: Path) -> Vocabulary:
    return load_vocabulary(path.parent)


def _vocabulary_json(folder: Path) -> bytes:
    words = (*SPECIAL_TOKENS, "a", "b@@")
    write_vocabulary(Vocabulary(words, (0,) * 14 + (2, 1)), folder)
    return (folder / VOCABULARY_FILE).read_bytes()


READERS: dict[str, tuple[str, bytes | None, Callable[[Path], object]]] = {
    "fastBPE codes": ("codes", CODES.encode(), read_merge_ranks),
    "subword-nmt codes": ("codes", SUBWORD_NMT.encode(), read_merges),
    "counted vocabulary": (
        "vocab",
        COUNTS.encode(),
        lambda path: read_counted_vocabulary(path, size=99),
    ),
    "allowed tokens": ("vocab", COUNTS.encode(), read_allowed_tokens),
    "vocabulary.json": (VOCABULARY_FILE, None, _published),
}


def _error_message(read: Callable[[Path], object], path: Path) -> str:
    try:
        read(path)
    except DataError as error:
        return str(error)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_fuzz_files(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    file, content, read = READERS[name]
    original = content or _vocabulary_json(tmp_path)
    rng, path = random.Random(7), tmp_path / file
    path.write_bytes(original)
    assert _error_message(read, path) == ""
    end, tried, refused = time.monotonic() + 5, 0, 0
    while tried < 1500 and time.monotonic() < end:
        text = bytearray(original)
        for _ in range(rng.randrange(1, 4)):
            position = rng.randrange(len(text))
            part = rng.choice([*PARTS, bytes([rng.randrange(256)])])
            text[position : position + rng.randrange(4)] = part
        path.write_bytes(text)
        line = _error_message(read, path)
        assert "\n" not in line
        assert len(line) < 1000
        refused += bool(line)
        tried += 1
    with capsys.disabled():
        print(f"\n{name}: {tried} mutated files, {refused} refused, each in one line")
    assert refused


def test_fuzz_restrictions() -> None:
    """The subwords spell the word, whatever the vocabulary allows."""
    rng = random.Random(3)
    for _ in range(500):
        symbols = ["a", "b", "c"]
        ranks: dict[tuple[str, str], int] = {}
        for rank in range(12):
            left, right = rng.choice(symbols), rng.choice(symbols)
            ranks.setdefault((left, right), rank)
            symbols.append(left + right)
        allowed = set(rng.sample([f"{symbol}@@" for symbol in symbols] + symbols, 5))
        subwords = [rng.choice(symbols) for _ in range(rng.randrange(1, 5))]
        found = VocabularyRestriction(allowed, ranks)("@@ ".join(subwords)).split(" ")
        assert "".join(token.removesuffix("@@") for token in found[:-1]) + found[-1] == "".join(
            subwords
        )
        assert all(token.endswith("@@") for token in found[:-1])


@pytest.mark.parametrize("content", [
    "[" * 100_000, '{"tokens": ' * 50_000, json.dumps({"tokens": [], "counts": []}), "9" * 5000,
    json.dumps({"tokens": ["a", 3], "counts": [1, 2], "codes_hash": "", "hash": ""}), "null", "",
    json.dumps({"tokens": ["\ud800"], "counts": [1], "codes_hash": "", "hash": ""}),
    '{"tokens": ["a"], "counts": [' + "9" * 5000 + '], "codes_hash": "", "hash": ""}',
])  # fmt: skip
def test_hostile_vocabulary_json_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / VOCABULARY_FILE
    path.write_text(content)
    line = _error_message(_published, path)
    assert line
    assert "\n" not in line
