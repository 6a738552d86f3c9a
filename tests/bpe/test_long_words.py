"""Long words are split as the fastBPE module splits them, in linear time."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fastBPE import fastBPE
from hypothesis import given, settings
from hypothesis import strategies as st

from xlm.bpe.apply import BpeApplier, apply_bpe_to_file
from xlm.bpe.codes_file import read_merge_ranks
from xlm.bpe.long_words import split_long_word

_SYMBOLS = ("a", "b", "ab", "ba", "aa", "aab", "aba", "abab", "é", "aé")
_PARTS = st.sampled_from(_SYMBOLS)
_PAIRS = st.tuples(_PARTS, _PARTS | _PARTS.map(lambda symbol: symbol + "</w>"))

Split = Callable[[str], str]


def _both(codes: Path) -> tuple[Split, Split]:
    ranks, module = read_merge_ranks(codes), fastBPE(str(codes))
    return lambda word: split_long_word(word, ranks), lambda word: str(module.apply([word])[0])


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    pairs=st.lists(_PAIRS, min_size=1, max_size=12, unique=True),
    words=st.lists(st.text(st.sampled_from("abé\0"), min_size=1, max_size=30), max_size=8),
)
def test_words_are_split_as_by_the_module_for_any_order_of_merges(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]], words: list[str]
) -> None:
    """A file written by hand can rank a merge before the merges of its parts."""
    codes = tmp_path_factory.mktemp("codes") / "codes"
    codes.write_text("".join(f"{left} {right} 1\n" for left, right in pairs), encoding="utf-8")
    ours, theirs = _both(codes)
    for word in words:
        assert ours(word) == theirs(word)


@pytest.mark.slow
def test_words_of_real_text_are_split_as_by_the_module(shared: Path) -> None:
    golden = shared / "golden" / "fastbpe"
    ours, theirs = _both(shared / "mirror" / "dl.fbaipublicfiles.com" / "XLM" / "codes_xnli_15")
    words = (golden / "corpus.tok").read_text(encoding="utf-8").split()
    joined = ["".join(words[start : start + 60]) for start in range(0, 3000, 60)]
    for word in [*words[:2000], *joined]:
        assert ours(word) == theirs(word)


@pytest.mark.slow
def test_long_words_in_a_file_take_seconds_at_most(shared: Path, tmp_path: Path) -> None:
    """The module would take hours for each."""
    codes = shared / "golden" / "fastbpe" / "codes.2000"
    rng = random.Random(3)
    letters = "".join(rng.choices("etaoinshrdlucm", k=100_000))
    words = ["a" * 100_000, letters, letters[::-1], "ab" * 50_000]
    source, target = tmp_path / "text", tmp_path / "subwords"
    source.write_text(f"short {words[0]} ones\n" + " ".join(words[1:]) + "\n", encoding="utf-8")
    start = time.monotonic()
    counts = apply_bpe_to_file(source, target, codes=codes, labelled=False)
    assert time.monotonic() - start < 20
    subwords = target.read_text(encoding="utf-8")
    assert subwords.replace("@@ ", "") == source.read_text(encoding="utf-8")
    assert (counts["lines"], counts["words"], counts["tokens"]) == (2, 6, len(subwords.split()))


def test_words_around_the_length_limit_are_split_alike(shared: Path) -> None:
    codes = shared / "golden" / "fastbpe" / "codes.2000"
    bpe = BpeApplier(codes)
    module = fastBPE(str(codes))
    words = [("internationalisierungen" * 20)[:length] for length in range(40, 90)]
    assert bpe.lines([" ".join(words)]) == module.apply([" ".join(words)])


def test_batch_and_cache_sizes_change_nothing(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlm.bpe.apply._BATCH_CHARACTERS", 300)
    monkeypatch.setattr("xlm.bpe.apply._MAX_CACHED_CHARACTERS", 200)
    golden = shared / "golden" / "fastbpe"
    target = tmp_path / "subwords"
    counts = apply_bpe_to_file(
        golden / "corpus.tok", target, codes=golden / "codes.2000", labelled=False
    )
    assert target.read_bytes() == (golden / "corpus.bpe").read_bytes()
    assert counts == {"lines": 900, "words": 21395, "tokens": 42324}
