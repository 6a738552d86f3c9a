"""Subwords outside a vocabulary, compared with fastBPE; codes files of subword-nmt."""

import random
import subprocess
from pathlib import Path

import pytest

from xlm.bpe.apply import BpeApplier, apply_bpe_to_file
from xlm.bpe.codes_file import read_merge_ranks, read_merges
from xlm.bpe.learning.learners import find_fastbpe
from xlm.bpe.restrict import VocabularyRestriction, read_allowed_tokens
from xlm.errors import DataError


def _fastbpe(codes: Path, vocabulary: Path, text: str) -> str:
    """Split a text with fastBPE."""
    command = [str(find_fastbpe()), "applybpe_stream", str(codes), str(vocabulary)]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=True)
    return done.stdout.decode()


def _ours(codes: Path, vocabulary: Path, text: str, threshold: int = 0) -> str:
    bpe = BpeApplier(codes, allowed=read_allowed_tokens(vocabulary, threshold))
    return "".join(f"{line}\n" for line in bpe.lines(text.split("\n")[:-1]))


@pytest.mark.slow
@pytest.mark.parametrize("threshold", [0, 2, 5, 50, 1000])
def test_the_golden_text_is_split_as_by_fastbpe(
    shared: Path, tmp_path: Path, threshold: int
) -> None:
    golden = shared / "golden" / "fastbpe"
    text = (golden / "corpus.tok").read_text(encoding="utf-8")
    lines = (golden / "vocab.2000").read_text(encoding="utf-8").split("\n")[:-1]
    allowed = [line for line in lines if int(line.rpartition(" ")[2]) >= threshold]
    vocabulary = tmp_path / "vocabulary"
    vocabulary.write_text("".join(f"{line}\n" for line in allowed), encoding="utf-8")
    codes = golden / "codes.2000"
    # fastBPE drops spaces at the end of a line; this text has none.
    expected = _fastbpe(codes, vocabulary, text)
    assert _ours(codes, vocabulary, text) == expected
    assert _ours(codes, golden / "vocab.2000", text, threshold) == expected
    if threshold >= 50:
        assert expected != (golden / "corpus.bpe").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_random_words_and_vocabularies_are_split_as_by_fastbpe(
    shared: Path, tmp_path: Path, seed: int
) -> None:
    golden = shared / "golden" / "fastbpe"
    rng = random.Random(seed)
    tokens = [
        line.rpartition(" ")[0]
        for line in (golden / "vocab.2000").read_text(encoding="utf-8").split("\n")[:-1]
    ]
    vocabulary = tmp_path / "vocabulary"
    some = rng.sample(tokens, len(tokens) // 3)
    vocabulary.write_text("".join(f"{token} 1\n" for token in some), encoding="utf-8")
    subwords = [token.removesuffix("@@") for token in tokens]
    words = ["".join(rng.choices(subwords, k=rng.randrange(1, 30))) for _ in range(300)]
    text = "".join(" ".join(words[start : start + 5]) + "\n" for start in range(0, 300, 5))
    codes = golden / "codes.2000"
    assert _ours(codes, vocabulary, text) == _fastbpe(codes, vocabulary, text)


@pytest.mark.slow
def test_a_deep_chain_of_merges_does_not_overflow() -> None:
    depth = 20_000
    ranks = {("a" * n, "a"): n for n in range(1, depth)}
    split = VocabularyRestriction({"x"}, ranks)("a" * depth + "@@ b")
    assert split == "a@@ " * depth + "b"


def test_tokens_end_at_the_last_space(tmp_path: Path) -> None:
    path = tmp_path / "vocab"
    path.write_bytes("a\u00a0b 9\n\u2028 8\nc@@ 1\n\u3000@@ 1".encode())
    assert read_allowed_tokens(path) == {"a\u00a0b", "\u2028", "c@@", "\u3000@@"}
    assert read_allowed_tokens(path, 8) == {"a\u00a0b", "\u2028"}


@pytest.mark.parametrize(("content", "what"), [
    (b"", "no line `token count`"),
    (b"a 1\n", "no token occurs 5 times or more"),
    (b"a 1\na 2\n", "line 2: repeats 'a'"),
    (b"t h 5\n", "line 1: not `token count`"),
    (b"a " + b"9" * 5000, "line 1: not `token count`"),
    (b"a \xff\n", "line 1: not UTF-8"),
    ("a \u0663\n".encode(), "line 1: not `token count`"),
])  # fmt: skip
def test_an_invalid_vocabulary_is_refused_in_one_line(
    tmp_path: Path, content: bytes, what: str
) -> None:
    path = tmp_path / "vocab"
    path.write_bytes(content)
    with pytest.raises(DataError, match=what) as caught:
        read_allowed_tokens(path, 5)
    assert len(str(caught.value)) < 400


def test_codes_of_subword_nmt_produce_its_subwords(shared: Path, tmp_path: Path) -> None:
    golden = shared / "golden" / "subword_nmt"
    codes = golden / "bpe.ref"
    assert not read_merges(codes).counted
    apply_bpe_to_file(golden / "corpus.en", tmp_path / "subwords", codes=codes, labelled=False)
    assert (tmp_path / "subwords").read_bytes() == (golden / "corpus.bpe.ref.en").read_bytes()
    with pytest.raises(
        DataError, match="is a codes file of subword-nmt: its lines have two fields"
    ):
        read_merge_ranks(codes)


def test_version_0_1_has_a_separate_end_of_word(tmp_path: Path) -> None:
    codes = tmp_path / "codes"
    codes.write_text("l o\nlo w\ne r\ner </w>\n")
    assert BpeApplier(codes).lines(["low lower  er e", ""]) == ["low low@@ er  er e", ""]
    codes.write_text("#version: 0.1\r\nl o\r\nlo w</w>\r\n")
    assert BpeApplier(codes).lines(["low lo"]) == ["lo@@ w lo"]
    for header in ("#version: 0.2\n", ""):  # transformers writes no header
        codes.write_text(f"{header}l o\nlo w</w>\n")
        assert BpeApplier(codes).lines(["low lo"]) == ["low l@@ o"]


@pytest.mark.parametrize(("content", "what"), [
    (b"", "contains no merges; use a codes file of fastBPE, with .* or of subword-nmt, with"),
    (b"\n", "line 1: not `left right count`: ''; use .* or of subword-nmt"),
    (b"#version: 0.3\na b\n", "unknown version of subword-nmt, not .*; use .* or of subword-nmt"),
    (b"#version 2\na b\n", "unknown version of subword-nmt, not 0.1 or 0.2"),
    (b"#version: 0.2\n", "contains no merges; use .* or of subword-nmt"),
    (b"#version: 0.2\na b 3\n", "line 2: not `left right`: .*; use .* or of subword-nmt"),
    (b"#version: 0.2\r\na b\r\na\r\n", "line 3: not `left right`"),
    (b"#version: 0.2\ra b\rc d\r", "line 1: lines end in a carriage return alone: .*; convert"),
    (b"a b\nc d 3\n", "line 2: not `left right`"),
    (b"a b 3\nc d\n", "line 2: not `left right count`: .*; use"),
    (b"a b 3\r\nc d 2\r\n", "line 1: not `left right count`: .*; remove the carriage returns"),
    (b"a b c d\n", "line 1: not `left right count`"),
    (b"a b 3\na b 2\n", "line 2: repeats the pair of an earlier line"),
    (b"a b " + b"9" * 5000, "line 1: not `left right count`"),
    (b"a 5\nb 3\n", "line 1: not `left right count` but a token and its count: 'a 5'"),
    ("\ufeff#version: 0.2\na b\n".encode(), "line 1: starts with a byte order mark: .*; save"),
    ("\ufeffa b 3\n".encode(), "line 1: starts with a byte order mark"),
    ("#version: 0.2\na b\n".encode("utf-16"), "line 1: not UTF-8"),
])  # fmt: skip
def test_an_invalid_codes_file_is_refused_in_one_line(
    tmp_path: Path, content: bytes, what: str
) -> None:
    path = tmp_path / "codes"
    path.write_bytes(content)
    with pytest.raises(DataError, match=what) as caught:
        read_merges(path)
    assert len(str(caught.value)) < 400
    with pytest.raises(DataError) as caught:
        read_merge_ranks(path)  # the reader of the pipeline
    assert "subword-nmt, with" not in str(caught.value)


def test_codes_of_subword_nmt_can_have_windows_line_ends(shared: Path, tmp_path: Path) -> None:
    """Without a header, carriage returns were read as characters of the merges."""
    unix = (shared / "golden" / "subword_nmt" / "bpe.ref").read_bytes()
    path = tmp_path / "codes"
    for content in (unix, unix.partition(b"\n")[2]):
        path.write_bytes(content)
        expected = read_merges(path)
        path.write_bytes(content.replace(b"\n", b"\r\n"))
        assert read_merges(path) == expected
