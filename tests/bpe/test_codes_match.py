"""The check that a codes file belongs to a vocabulary: accepts the right file, refuses others."""

import json
from collections import Counter
from pathlib import Path

import pytest

from xlm.bpe.apply import BpeApplier
from xlm.bpe.codes_match import require_codes_match
from xlm.bpe.counting import write_counts
from xlm.bpe.learning.learners import learn_merges
from xlm.bpe.vocabulary import SPECIAL_TOKENS, Vocabulary, read_counted_vocabulary
from xlm.errors import DataError

LANGUAGES = ("ar", "en", "hi", "sw", "zh")
_PUBLISHED = Path("mirror") / "dl.fbaipublicfiles.com" / "XLM"


def _text(shared: Path, language: str) -> list[str]:
    path = shared / "golden" / "xlm15_tokens" / f"golden.{language}.jsonl"
    rows = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    return [json.loads(row)["lower_noaccent"] for row in rows]


def _counted(codes: Path, lines: list[str], folder: Path, *, size: int = 10**6) -> Vocabulary:
    """Count the vocabulary of a text that is split with a codes file."""
    counts = Counter(token for line in BpeApplier(codes).lines(lines) for token in line.split(" "))
    del counts[""]
    write_counts(counts, folder / "counted")
    return read_counted_vocabulary(folder / "counted", size=size)


@pytest.mark.slow
@pytest.mark.parametrize("size", [121_328, 95_000, 20_000, 500])
def test_the_published_codes_match_their_vocabulary_at_any_size(shared: Path, size: int) -> None:
    vocabulary = read_counted_vocabulary(shared / _PUBLISHED / "vocab_xnli_15", size=size)
    assert vocabulary.size == size
    require_codes_match(vocabulary, shared / _PUBLISHED / "codes_xnli_15")
    with pytest.raises(DataError, match=r"codes\.2000 produce \d+ of the vocabulary's"):
        require_codes_match(vocabulary, shared / "golden" / "fastbpe" / "codes.2000")


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_codes_of_many_languages_match_the_vocabulary_of_a_short_text(
    shared: Path, tmp_path: Path, language: str
) -> None:
    """The vocabulary has a few hundred of the 80,000 subwords; their share means nothing."""
    codes = shared / _PUBLISHED / "codes_xnli_15"
    vocabulary = _counted(codes, _text(shared, language), tmp_path)
    assert vocabulary.size * 20 < len(codes.read_bytes().splitlines())
    require_codes_match(vocabulary, codes)  # does not raise


@pytest.mark.slow
@pytest.mark.parametrize("size", [10**6, 1000])
def test_codes_with_more_merges_do_not_match(shared: Path, size: int) -> None:
    vocabulary = read_counted_vocabulary(shared / "golden" / "fastbpe" / "vocab.2000", size=size)
    require_codes_match(vocabulary, shared / "golden" / "fastbpe" / "codes.2000")
    with pytest.raises(DataError, match="characters, not 'mwp'; use the codes file"):
        require_codes_match(vocabulary, shared / _PUBLISHED / "codes_xnli_15")


def test_codes_of_one_language_match_no_other_language(shared: Path, tmp_path: Path) -> None:
    vocabularies = {}
    for language in LANGUAGES:
        lines = _text(shared, language)
        (tmp_path / "text").write_text("\n".join(lines) + "\n", encoding="utf-8")
        codes = tmp_path / language
        learn_merges(tmp_path / "text", codes, num_merges=500, messages=tmp_path / "messages")
        vocabularies[language] = _counted(codes, lines, tmp_path)
    for language, vocabulary in vocabularies.items():
        for other in LANGUAGES:
            if other == language:
                require_codes_match(vocabulary, tmp_path / other)
            else:
                with pytest.raises(DataError, match="use the codes file that the vocabulary"):
                    require_codes_match(vocabulary, tmp_path / other)


@pytest.mark.parametrize(
    ("text", "num_merges", "token"),
    [
        ("x</w>y x</w> ab@@ @@ <unk> </w>q", 200, "x</w>y"),
        ("x</w>1 x</w>2 x</w>3", 4, "x</w>@@"),
    ],
)
def test_codes_match_a_text_that_contains_markers(
    tmp_path: Path, text: str, num_merges: int, token: str
) -> None:
    """`</w>` in a text becomes subwords that only look like the end of a word."""
    lines = [text] * 3
    (tmp_path / "text").write_text("\n".join(lines) + "\n")
    learned = tmp_path / "codes"
    learn_merges(tmp_path / "text", learned, num_merges=num_merges, messages=tmp_path / "messages")
    vocabulary = _counted(learned, lines, tmp_path)
    assert token in vocabulary.index
    require_codes_match(vocabulary, learned)


def test_a_few_words_may_be_added_by_hand(shared: Path) -> None:
    codes = shared / "golden" / "fastbpe" / "codes.2000"
    counted = read_counted_vocabulary(shared / "golden" / "fastbpe" / "vocab.2000", size=10**6)
    for added, accepted in ((10, True), (40, False)):
        tokens = (*counted.tokens, *(f"<added-{number}>" for number in range(added)))
        vocabulary = Vocabulary(tokens, (0,) * len(tokens))
        if accepted:
            require_codes_match(vocabulary, codes)
        else:
            with pytest.raises(DataError, match="not '<added-0>'"):
                require_codes_match(vocabulary, codes)


def test_a_vocabulary_of_characters_matches_no_codes(tmp_path: Path) -> None:
    tokens = (*SPECIAL_TOKENS, "a", "b@@", "@@", "é")
    (tmp_path / "codes").write_text("a b 9\n")
    with pytest.raises(DataError, match="produce 0 of the vocabulary's 0 tokens"):
        require_codes_match(Vocabulary(tokens, (0,) * len(tokens)), tmp_path / "codes")
