"""XLM's rules for reading a vocabulary, on the published file and on hard lines."""

import json
from collections import Counter
from pathlib import Path

import pytest

from xlm.bpe.apply import BpeApplier
from xlm.bpe.counting import language_report, write_counts
from xlm.bpe.vocabulary import (
    NUM_SPECIAL_TOKENS,
    Vocabulary,
    load_vocabulary,
    read_counted_vocabulary,
    write_vocabulary,
)
from xlm.errors import DataError


def _published(shared: Path, name: str) -> Path:
    return shared / "mirror" / "dl.fbaipublicfiles.com" / "XLM" / name


def _read(tmp_path: Path, text: str, size: int = 100, min_count: int = 0) -> Vocabulary:
    path = tmp_path / "counted"
    path.write_text(text, encoding="utf-8", newline="\n")
    return read_counted_vocabulary(path, size=size, min_count=min_count)


@pytest.mark.slow
def test_the_published_vocabulary_is_read_as_by_xlm(shared: Path) -> None:
    path = _published(shared, "vocab_xnli_15")
    assert read_counted_vocabulary(path, size=1_000_000).size == 121_328
    vocabulary = read_counted_vocabulary(path, size=95_000)
    assert vocabulary.size == 95_000
    assert vocabulary.token(14) == ","
    assert vocabulary.token(94_999) == "picked"
    assert vocabulary.index["@@"] == 61_489
    assert vocabulary.counts[14] == 146_805_425
    assert vocabulary.counts[94_999] == 97
    assert not vocabulary.counts[:14].any()
    assert sum(token.endswith("@@") for token in vocabulary.tokens) == 34_089


@pytest.mark.slow
def test_ids_of_the_published_model_are_reproduced(shared: Path) -> None:
    vocabulary = read_counted_vocabulary(_published(shared, "vocab_xnli_15"), size=95_000)
    bpe = BpeApplier(_published(shared, "codes_xnli_15"))
    paths = sorted((shared / "golden" / "xlm15_tokens").glob("*.jsonl"))
    rows = [
        json.loads(line)
        for path in paths
        for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    ]
    subwords = bpe.lines(row["lower_noaccent"] for row in rows)
    assert len(rows) == 900
    assert subwords == [row["fastbpe"] for row in rows]
    assert [vocabulary.ids(line.split()) for line in subwords] == [row["ids"] for row in rows]


def test_skipped_lines_take_no_id(tmp_path: Path) -> None:
    text = "the 9\n\u00a0 8\nx\u2028 7\nthe 6\n@@ 5\n</s> 5\nlone\na b 4\nend 3\n"
    vocabulary = _read(tmp_path, text)
    assert vocabulary.tokens[NUM_SPECIAL_TOKENS:] == ("the", "@@", "end")
    assert list(vocabulary.counts[NUM_SPECIAL_TOKENS:]) == [9, 5, 3]


def test_size_and_min_count_limit_the_vocabulary(tmp_path: Path) -> None:
    text = "a 9\nb 5\nc 5\nd 1\n"
    assert _read(tmp_path, text, size=16).tokens[14:] == ("a", "b")
    assert _read(tmp_path, text, min_count=2).tokens[14:] == ("a", "b", "c")


@pytest.mark.parametrize("line", ["b 10", "b many", "b -1"])
def test_counts_must_not_increase(tmp_path: Path, line: str) -> None:
    with pytest.raises(DataError, match="counted, line 2"):
        _read(tmp_path, f"a 9\n{line}\n")


def test_special_tokens_in_a_text_are_dropped(tmp_path: Path) -> None:
    vocabulary = _read(tmp_path, "a 9\n")
    assert vocabulary.ids(["a", "</s>", "b", "<unk>", "<special1>", "a"]) == [14, 3, 3, 14]
    assert vocabulary.ids([]) == []


def test_a_written_vocabulary_is_read_back_and_its_hash_checked(tmp_path: Path) -> None:
    vocabulary = _read(tmp_path, "ā 9\nb 3\n")
    write_vocabulary(vocabulary, tmp_path)
    assert load_vocabulary(tmp_path) == vocabulary
    path = tmp_path / "vocabulary.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"b"', '"c"'), encoding="utf-8")
    with pytest.raises(DataError, match=vocabulary.hash):
        load_vocabulary(tmp_path)


def test_the_hash_depends_only_on_tokens_and_order(tmp_path: Path) -> None:
    one = _read(tmp_path, "a 9\nb 3\n")
    assert one.hash == _read(tmp_path, "a 8\nb 8\n").hash
    assert one.hash != _read(tmp_path, "b 9\na 3\n").hash


def test_counts_are_written_by_count_then_bytes(tmp_path: Path) -> None:
    write_counts(Counter({"b": 2, "é": 2, "a": 2, "z": 5}), tmp_path / "counts")
    assert (tmp_path / "counts").read_text(encoding="utf-8") == "z 5\na 2\nb 2\né 2\n"


def test_the_report_has_fertility_unknown_rate_and_share(tmp_path: Path) -> None:
    vocabulary = _read(tmp_path, "a@@ 9\nb 3\nc 2\nd 1\n", size=17)
    report = language_report(
        {"sw": Counter({"a@@": 2, "b": 2, "d": 2}), "en": Counter()}, vocabulary
    )
    assert report["sw"] == {
        "tokens": 6,
        "words": 4,
        "types": 3,
        "fertility": 1.5,
        "unknown": 2,
        "unknown_rate": 0.333333,
        "vocabulary_used": 2,
        "vocabulary_share": 0.666667,
    }
    assert report["en"]["fertility"] == 0.0


def test_the_report_counts_tokens_as_they_become_ids(tmp_path: Path) -> None:
    """Other white space splits a token again; the name of a special token is dropped."""
    vocabulary = _read(tmp_path, "a 9\nb@@ 3\n@@ 2\n")
    counts = Counter({"a\u00a0b@@": 2, "\u3000": 1, "\u00a0@@": 3, "</s>": 5, "<unk>": 4, "x": 1})
    report = language_report({"zh": counts}, vocabulary)["zh"]
    ids = [vocabulary.ids(token.split()) for token in counts.elements()]
    assert report["tokens"] == sum(map(len, ids)) == 2 * 2 + 3 + 4 + 1
    assert report["unknown"] == sum(found.count(3) for found in ids) == 5
    assert report["vocabulary_used"] == 3


@pytest.mark.parametrize(
    ("content", "what"), [(b"", "no line `token count`"), (b"a 3\n\xff 2\n", "not UTF-8")]
)
def test_an_invalid_vocabulary_file_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "counted"
    path.write_bytes(content)
    with pytest.raises(DataError, match=what):
        read_counted_vocabulary(path, size=100)
