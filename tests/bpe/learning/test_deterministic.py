"""The deterministic learner compared with a naive one, with fastBPE up to ties, on hard texts."""

import hashlib
import random
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bpe.learning.naive_learner import NaiveLearner, words_of
from xlm.bpe.apply import BpeApplier
from xlm.bpe.codes_file import read_merge_ranks
from xlm.bpe.learning.learners import LearnedMerges, find_fastbpe, find_learn_bpe, learn_merges
from xlm.errors import DataError

_ALPHABETS = ("ab", "abc", "abcdefgh", "aé日𐍈", "a</w>")


def _text(draw: st.DrawFn) -> str:
    alphabet = draw(st.sampled_from(_ALPHABETS))
    return draw(st.text(st.sampled_from(alphabet + "  \n"), max_size=200))


texts = st.composite(_text)()


def _run(text: str | bytes, num_merges: int, *options: str) -> list[str]:
    done = subprocess.run(
        [find_learn_bpe(), str(num_merges), "-", *options],
        input=text.encode() if isinstance(text, str) else text,
        capture_output=True,
        check=True,
        timeout=60,
    )
    return done.stdout.decode().splitlines(keepends=True)


def _run_fastbpe(folder: Path, text: str, num_merges: int) -> list[str]:
    path = folder / "text"
    path.write_text(text, encoding="utf-8")
    command = [find_fastbpe(), "learnbpe", str(num_merges), path]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return done.stdout.decode().splitlines(keepends=True)


def _learn(folder: Path, text: bytes, num_merges: int, threads: int = 1) -> LearnedMerges:
    (folder / "text").write_bytes(text)
    return learn_merges(
        folder / "text",
        folder / "codes",
        num_merges=num_merges,
        messages=folder / "messages",
        learner="deterministic",
        threads=threads,
    )


def _format_counts(words: Mapping[str, int]) -> str:
    return "".join(f"{word} {count}\n" for word, count in words.items())


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(text=texts, threads=st.integers(1, 4))
def test_merges_equal_those_of_the_naive_learner(text: str, threads: int) -> None:
    lines, _ = NaiveLearner(words_of(text)).learn(60)
    assert _run(text, 60, "--threads", str(threads)) == lines


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    words=st.dictionaries(
        st.text(st.sampled_from("abcé"), min_size=1, max_size=8),
        st.integers(1, 300),
        min_size=1,
        max_size=8,
    )
)
def test_merges_equal_those_of_fastbpe_until_the_first_tie(
    tmp_path_factory: pytest.TempPathFactory, words: dict[str, int]
) -> None:
    lines, certain = NaiveLearner(words).learn(40)
    text = "".join(f"{word} " * count for word, count in words.items())
    ours = _run(text, 40)
    theirs = _run_fastbpe(tmp_path_factory.mktemp("fast"), text, 40)
    assert ours == lines
    assert theirs[:certain] == ours[:certain]
    if certain < len(ours):  # the tied pairs have the same count
        assert theirs[certain].split()[2] == ours[certain].split()[2]


def test_merges_equal_those_of_fastbpe_on_a_text_without_ties(tmp_path: Path) -> None:
    words = {"abab": 100, "ab": 31, "aba": 17, "bab": 7, "ba": 3, "a": 50}
    lines, certain = NaiveLearner(words).learn(6)
    assert certain == len(lines) == 6
    text = "".join(f"{word} " * count for word, count in words.items()) + "\n"
    assert _run(text, 6) == _run_fastbpe(tmp_path, text, 6) == lines


@pytest.mark.slow
def test_fastbpe_makes_the_same_choices_except_for_ties(shared: Path) -> None:
    """Each merge of fastBPE is one of the most frequent pairs, with the same count.

    So both learners agree if only one pair is the most frequent. After the first tie, lines cannot
    be compared: a different choice leaves other pairs.
    """
    golden = shared / "golden" / "fastbpe"
    text = (golden / "corpus.tok").read_text(encoding="utf-8")
    learner = NaiveLearner(words_of(text))
    tied = 0
    with (golden / "codes.2000").open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            count, pairs = learner.best()
            (pair,) = [pair for pair in pairs if learner.line(pair, count) == line]
            tied += len(pairs) > 1
            learner.merge(pair)
    assert tied == 1872  # in the other 128, there is only one choice
    ours, certain = NaiveLearner(words_of(text)).learn(2000)
    theirs = (golden / "codes.2000").read_text(encoding="utf-8").splitlines(keepends=True)
    assert _run(text, 2000, "--threads", "2") == ours
    assert ours[:certain] == theirs[:certain]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(text=st.text(st.sampled_from("abc  "), max_size=300))
def test_no_two_merges_produce_the_same_string(text: str) -> None:
    """The string determines the merges inside it, until a merge crosses its boundary."""
    produced = [line.rpartition(" ")[0].replace(" ", "") for line in _run(text, 200)]
    assert len(set(produced)) == len(produced)


def test_two_merges_with_one_spelling_are_written_once(tmp_path: Path) -> None:
    """`a</w>` is a last character, or five merged characters; fastBPE distinguishes them too."""
    words = {"xa": 9, "xa</w>y": 8, "xa</w>z": 6}
    text = "".join(f"{word} " * count for word, count in words.items()) + "\n"
    raw = _run(text, 20)
    assert raw == NaiveLearner(words).learn(20)[0]
    pairs = [line.rpartition(" ")[0] for line in raw]
    assert pairs.count("x a</w>") == 2
    learned = _learn(tmp_path, text.encode(), 20)
    assert learned.exhausted
    assert learned.num_merges == len(read_merge_ranks(tmp_path / "codes")) == len(set(pairs))
    assert BpeApplier(tmp_path / "codes").lines(["xa"]) == ["xa"]


def _seeded_text(words: int, seed: int = 0) -> str:
    """Words from a Zipf-like distribution over random syllables."""
    draw = random.Random(seed)
    syllables = [a + b for a in "bdfgklmnprst" for b in "aeiouáé中"]
    types = ["".join(draw.choices(syllables, k=draw.randint(1, 5))) for _ in range(3000)]
    weights = [1 / (rank + 1) for rank in range(len(types))]
    return " ".join(draw.choices(types, weights, k=words)) + "\n"


def test_the_merges_of_a_pinned_text_are_pinned(tmp_path: Path) -> None:
    """A different digest means different merges: then learn-bpe needs a new version."""
    digests = set()
    for threads in (1, 2, 7):
        learned = _learn(tmp_path, _seeded_text(20_000).encode(), 1000, threads)
        assert (learned.num_merges, learned.exhausted) == (1000, False)
        digests.add(hashlib.sha256((tmp_path / "codes").read_bytes()).hexdigest())
    assert digests == {"41e6b031280286810f27915a914304bd98018b61f9dccaa5cca20f59fa13d1f2"}


@pytest.mark.slow
def test_blocks_keep_words_intact_and_memory_is_constant(tmp_path: Path) -> None:
    text = _seeded_text(100_000)
    once = _learn(tmp_path, text.encode(), 200)
    long = _learn(tmp_path, (text * 40).encode(), 200, threads=2)
    lines = (tmp_path / "codes").read_text(encoding="utf-8").splitlines(keepends=True)
    words = Counter({word: 40 * count for word, count in words_of(text).items()})
    assert (tmp_path / "text").stat().st_size > 5 << 22
    assert lines == _run(_format_counts(words), 200, "--counted")
    assert long.process.peak_memory_bytes < once.process.peak_memory_bytes + (60 << 20)


def test_counts_beyond_32_bits_are_exact() -> None:
    words = {"ab": 5_000_000_000, "abc": 9_000_000_000, "bc": 1}
    assert _run(_format_counts(words), 9, "--counted") == NaiveLearner(words).learn(9)[0]
    assert _run(_format_counts(words), 1, "--counted") == ["b c</w> 9000000001\n"]


@pytest.mark.parametrize("counts", [(1 << 62, 1 << 62), ((1 << 63) - 1, 1)])
def test_counts_beyond_63_bits_are_refused(counts: tuple[int, int]) -> None:
    text = _format_counts(dict(zip(("ab", "abc"), counts, strict=True)))
    with pytest.raises(subprocess.CalledProcessError) as error:
        _run(text, 1, "--counted")
    assert error.value.stderr == b"learn-bpe: the counts of pairs exceed 63 bits\n"


@pytest.mark.parametrize("line", ["ab", "ab ", " 3", "ab x", "ab 0", "ab -1", "ab 3 4", ""])
def test_a_line_without_a_count_is_refused(line: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as error:
        _run(f"abc 1\n{line}\n", 1, "--counted")
    assert error.value.returncode == 2
    assert (
        error.value.stderr == b"learn-bpe: a line that is not `word count` at byte 6 of the text\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "word",
    [b"\xff", b"a\x80", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82"],
)
def test_invalid_utf8_is_refused_in_one_line(tmp_path: Path, word: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        word.decode()
    with pytest.raises(DataError, match=r"^not UTF-8 at byte \d+ of the text; pass tokenized"):
        _learn(tmp_path, b"good words\n" + word + b" more " + b"\xff\n", 5, threads=2)
    assert (tmp_path / "messages").read_bytes().count(b"\n") == 1


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(word=st.binary(min_size=1, max_size=6))
def test_utf8_is_validated_as_by_python(word: bytes) -> None:
    done = subprocess.run([find_learn_bpe(), "1", "-"], input=word + b"\n", capture_output=True)
    try:
        word.decode()
        valid = b"\0" not in word
    except UnicodeDecodeError:
        valid = False
    assert done.returncode == (0 if valid else 2)


def test_a_nul_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a NUL byte at byte 4 of the text"):
        _learn(tmp_path, b"ab c\0d\n", 5)


@pytest.mark.parametrize("text", [b"", b"\n \n", b"a b\nc"])
def test_a_text_without_pairs_is_refused(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(DataError, match="no word of two characters"):
        _learn(tmp_path, text, 10)


def test_learning_stops_when_no_pair_is_left(tmp_path: Path) -> None:
    learned = _learn(tmp_path, b"abc abc abz", 50)
    assert (learned.num_merges, learned.exhausted) == (3, True)
    assert (tmp_path / "codes").read_text() == "a b 3\nab c</w> 2\nab z</w> 1\n"


def test_a_word_of_a_megabyte_takes_seconds(tmp_path: Path) -> None:
    draw = random.Random(1)
    word = "a" * 200_000 + "".join(draw.choices("abcdefghij", k=800_000))
    start = time.monotonic()
    learned = _learn(tmp_path, f"{word} abc\n".encode(), 5000)
    assert learned.num_merges == 5000
    assert time.monotonic() - start < 10  # fastBPE: hours
    short = word[199_000:201_000]
    assert _run(f"{short} abc\n", 50) == NaiveLearner({short: 1, "abc": 1}).learn(50)[0]


@pytest.mark.parametrize(
    "arguments",
    [[], ["5"], ["0", "-"], ["-3", "-"], ["x", "-"], ["5", "/nowhere/text"], ["5", "-", "y"]],
)
def test_wrong_arguments_are_refused_in_one_line(arguments: list[str]) -> None:
    done = subprocess.run([find_learn_bpe(), *arguments], input=b"", capture_output=True)
    assert done.returncode == 2
    assert done.stderr.startswith(b"learn-bpe: ")
    assert done.stderr.count(b"\n") == 1
