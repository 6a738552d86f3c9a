"""Pieces outside of a vocabulary, beside the original program; codes of subword-nmt."""

import random
import subprocess
from pathlib import Path

import pytest

from xlm.bpe.apply import BpeApplier, apply_bpe_to_file
from xlm.bpe.codes_file import read_merge_ranks, read_merges
from xlm.bpe.learning.learners import find_fastbpe
from xlm.bpe.restrict import VocabularyRestriction, read_allowed_tokens
from xlm.errors import DataError


def _fast(codes: Path, vocabulary: Path, text: str) -> str:
    """What the original program makes of a text."""
    command = [str(find_fastbpe()), "applybpe_stream", str(codes), str(vocabulary)]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=True)
    return done.stdout.decode()


def _ours(codes: Path, vocabulary: Path, text: str, threshold: int = 0) -> str:
    applier = BpeApplier(codes, allowed=read_allowed_tokens(vocabulary, threshold))
    return "".join(f"{line}\n" for line in applier.lines(text.split("\n")[:-1]))


@pytest.mark.slow
@pytest.mark.parametrize("threshold", [0, 2, 5, 50, 1000])
def test_golden_text_is_cut_as_by_the_original(
    shared: Path, tmp_path: Path, threshold: int
) -> None:
    golden = shared / "golden" / "fastbpe"
    text = (golden / "corpus.tok").read_text(encoding="utf-8")
    lines = (golden / "vocab.2000").read_text(encoding="utf-8").split("\n")[:-1]
    kept = [line for line in lines if int(line.rpartition(" ")[2]) >= threshold]
    vocabulary = tmp_path / "vocabulary"
    vocabulary.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
    codes = golden / "codes.2000"
    # The original drops the spaces at the end of a line; there are none here.
    expected = _fast(codes, vocabulary, text)
    assert _ours(codes, vocabulary, text) == expected
    assert _ours(codes, golden / "vocab.2000", text, threshold) == expected
    if threshold >= 50:
        assert expected != (golden / "corpus.bpe").read_text(encoding="utf-8")


@pytest.mark.parametrize("seed", range(5))
def test_random_words_and_vocabularies_are_cut_as_by_the_original(
    shared: Path, tmp_path: Path, seed: int
) -> None:
    golden = shared / "golden" / "fastbpe"
    chance = random.Random(seed)
    tokens = [
        line.rpartition(" ")[0]
        for line in (golden / "vocab.2000").read_text(encoding="utf-8").split("\n")[:-1]
    ]
    vocabulary = tmp_path / "vocabulary"
    some = chance.sample(tokens, len(tokens) // 3)
    vocabulary.write_text("".join(f"{token} 1\n" for token in some), encoding="utf-8")
    pieces = [token.removesuffix("@@") for token in tokens]
    words = ["".join(chance.choices(pieces, k=chance.randrange(1, 30))) for _ in range(300)]
    text = "".join(" ".join(words[start : start + 5]) + "\n" for start in range(0, 300, 5))
    codes = golden / "codes.2000"
    assert _ours(codes, vocabulary, text) == _fast(codes, vocabulary, text)


def test_a_deep_chain_of_merges_needs_no_stack() -> None:
    depth = 20_000
    ranks = {("a" * n, "a"): n for n in range(1, depth)}
    cut = VocabularyRestriction({"x"}, ranks)("a" * depth + "@@ b")
    assert cut == "a@@ " * depth + "b"


def test_tokens_end_at_the_last_space(tmp_path: Path) -> None:
    path = tmp_path / "vocab"
    path.write_bytes("a\u00a0b 9\n\u2028 8\nc@@ 1\n\u3000@@ 1".encode())
    assert read_allowed_tokens(path) == {"a\u00a0b", "\u2028", "c@@", "\u3000@@"}
    assert read_allowed_tokens(path, 8) == {"a\u00a0b", "\u2028"}


@pytest.mark.parametrize(("content", "what"), [
    (b"", "no line `token count`"),
    (b"a 1\n", "no token has a count of 5 or more"),
    (b"a 1\na 2\n", "line 2: repeats 'a'"),
    (b"t h 5\n", "line 1: not `token count`"),
    (b"a " + b"9" * 5000, "line 1: not `token count`"),
    (b"a \xff\n", "line 1: not UTF-8"),
    ("a \u0663\n".encode(), "line 1: not `token count`"),
])  # fmt: skip
def test_what_is_no_vocabulary_is_one_line(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "vocab"
    path.write_bytes(content)
    with pytest.raises(DataError, match=what) as caught:
        read_allowed_tokens(path, 5)
    assert len(str(caught.value)) < 400


def test_codes_of_subword_nmt_give_its_pieces(shared: Path, tmp_path: Path) -> None:
    golden = shared / "golden" / "subword_nmt"
    codes = golden / "bpe.ref"
    assert not read_merges(codes).counted
    apply_bpe_to_file(golden / "corpus.en", tmp_path / "pieces", codes=codes, nli=False)
    assert (tmp_path / "pieces").read_bytes() == (golden / "corpus.bpe.ref.en").read_bytes()
    with pytest.raises(DataError, match="lines of two fields, as a codes file of subword-nmt"):
        read_merge_ranks(codes)


def test_the_first_version_has_ends_of_words_apart(tmp_path: Path) -> None:
    codes = tmp_path / "codes"
    codes.write_text("l o\nlo w\ne r\ner </w>\n")
    assert BpeApplier(codes).lines(["low lower  er e", ""]) == ["low low@@ er  er e", ""]
    codes.write_text("#version: 0.1\r\nl o\r\nlo w</w>\r\n")
    assert BpeApplier(codes).lines(["low lo"]) == ["lo@@ w lo"]
    codes.write_text("#version: 0.2\nl o\nlo w</w>\n")
    assert BpeApplier(codes).lines(["low lo"]) == ["low l@@ o"]


@pytest.mark.parametrize(("content", "what"), [
    (b"", "holds no merge; give a codes file of fastBPE, with .* or of subword-nmt, with"),
    (b"\n", "line 1: not `left right count`: ''; give .* or of subword-nmt"),
    (b"#version: 0.3\na b\n", "neither 0.1 nor 0.2: .*; give .* or of subword-nmt"),
    (b"#version 2\na b\n", "neither 0.1 nor 0.2"),
    (b"#version: 0.2\n", "holds no merge; give .* or of subword-nmt"),
    (b"#version: 0.2\na b 3\n", "line 2: not `left right`: .*; give .* or of subword-nmt"),
    (b"#version: 0.2\r\na b\r\na\r\n", "line 3: not `left right`"),
    (b"#version: 0.2\ra b\rc d\r", "line 1: lines that end in a carriage return alone: .*; make"),
    (b"a b\nc d 3\n", "line 2: not `left right`"),
    (b"a b 3\nc d\n", "line 2: not `left right count`: .*; give"),
    (b"a b 3\r\nc d 2\r\n", "line 1: not `left right count`: .*; remove the carriage returns"),
    (b"a b c d\n", "line 1: not `left right count`"),
    (b"a b 3\na b 2\n", "line 2: a pair of an earlier line"),
    (b"a b " + b"9" * 5000, "line 1: not `left right count`"),
    (b"a 5\nb 3\n", "line 1: not `left right count`, but a token and its count: 'a 5'"),
    ("\ufeff#version: 0.2\na b\n".encode(), "line 1: a byte order mark in front: .*; save it as"),
    ("\ufeffa b 3\n".encode(), "line 1: a byte order mark in front"),
    ("#version: 0.2\na b\n".encode("utf-16"), "line 1: not UTF-8"),
])  # fmt: skip
def test_what_are_no_codes_is_one_line(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "codes"
    path.write_bytes(content)
    with pytest.raises(DataError, match=what) as caught:
        read_merges(path)
    assert len(str(caught.value)) < 400
    with pytest.raises(DataError) as caught:
        read_merge_ranks(path)  # what a run takes
    assert "subword-nmt, with" not in str(caught.value)


def test_codes_of_subword_nmt_may_have_windows_line_ends(shared: Path, tmp_path: Path) -> None:
    """Without a header, the returns were characters of the merges."""
    unix = (shared / "golden" / "subword_nmt" / "bpe.ref").read_bytes()
    path = tmp_path / "codes"
    for content in (unix, unix.partition(b"\n")[2]):
        path.write_bytes(content)
        expected = read_merges(path)
        path.write_bytes(content.replace(b"\n", b"\r\n"))
        assert read_merges(path) == expected
