"""Why we publish no `tokenizer.json`: the BPE model of `tokenizers` cannot reproduce XLM's ids.

docs/how-to/use-the-published-model.md quotes these numbers. If a new version of `tokenizers`
changes them, these tests fail.
"""

import json
import random
from pathlib import Path

import pytest
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from xlm.bpe.apply import BpeApplier
from xlm.bpe.vocabulary import UNK, Vocabulary, read_counted_vocabulary
from xlm.model.formats.hugging_face.vocab_json import huggingface_vocabulary

SIZE = 95_000

Merges = list[tuple[str, str]]


@pytest.fixture(scope="module")
def official(shared: Path) -> Path:
    return shared / "mirror" / "dl.fbaipublicfiles.com" / "XLM"


@pytest.fixture(scope="module")
def vocabulary(official: Path) -> Vocabulary:
    return read_counted_vocabulary(official / "vocab_xnli_15", size=SIZE)


@pytest.fixture(scope="module")
def merges(official: Path) -> Merges:
    lines = (official / "codes_xnli_15").read_text(encoding="utf-8").split("\n")[:-1]
    return [(left, right) for left, right, _ in (line.split(" ") for line in lines)]


def _model(subwords: dict[str, int], merges: Merges) -> Tokenizer:
    model = models.BPE(vocab=subwords, merges=merges, unk_token="<unk>", end_of_word_suffix="</w>")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(" +"), "removed")
    return tokenizer


def _with_missing_subwords(subwords: dict[str, int], merges: Merges) -> dict[str, int]:
    """Append the subwords that the merges need and the vocabulary does not have."""
    extended = dict(subwords)
    for left, right in merges:
        for symbol in (left, right, left + right):
            extended.setdefault(symbol, len(extended))
    return extended


@pytest.mark.slow
def test_the_model_refuses_a_truncated_vocabulary(vocabulary: Vocabulary, merges: Merges) -> None:
    subwords = huggingface_vocabulary(vocabulary.tokens)
    with pytest.raises(Exception, match="out of vocabulary"):
        _model(subwords, merges)
    assert len(_with_missing_subwords(subwords, merges)) - SIZE == 919


@pytest.mark.slow
def test_an_extended_vocabulary_merges_alike_but_knows_unknown_subwords(
    shared: Path, vocabulary: Vocabulary, merges: Merges
) -> None:
    subwords = huggingface_vocabulary(vocabulary.tokens)
    tokenizer = _model(_with_missing_subwords(subwords, merges), merges)
    rows = beyond = 0
    for path in sorted((shared / "golden/xlm15_tokens").glob("golden.*.jsonl")):
        for line in path.read_bytes().split(b"\n")[:-1]:
            row = json.loads(line)
            found = tokenizer.encode(row["lower_noaccent"].strip()).ids
            beyond += sum(index >= SIZE for index in found)
            assert [index if index < SIZE else UNK for index in found] == row["ids"]
            rows += 1
    assert (rows, beyond) == (900, 4)


@pytest.mark.slow
def test_words_of_any_characters_are_merged_alike(
    official: Path, vocabulary: Vocabulary, merges: Merges
) -> None:
    subwords = huggingface_vocabulary(vocabulary.tokens)
    tokenizer = _model(_with_missing_subwords(subwords, merges), merges)
    apply = BpeApplier(official / "codes_xnli_15")
    chosen = random.Random(1)
    alphabet = "abcdeinorst'-.,@</w>0129éßđабвгκλابتकखกข中国の🙂\u200b\u0301"
    lines = [
        " ".join("".join(chosen.choices(alphabet, k=chosen.randint(1, 9))) for _ in range(8))
        for _ in range(500)
    ]
    different = [
        line
        for line, split in zip(lines, apply.lines(lines), strict=True)
        if [index if index < SIZE else UNK for index in tokenizer.encode(line).ids]
        != vocabulary.ids(split.split())
    ]
    assert different == []


@pytest.mark.slow
def test_white_space_within_a_word_gives_other_ids(
    official: Path, vocabulary: Vocabulary, merges: Merges
) -> None:
    """Thai and Chinese words may contain U+00A0 and U+3000; our ids split there and leave `@@`."""
    subwords = huggingface_vocabulary(vocabulary.tokens)
    tokenizer = _model(_with_missing_subwords(subwords, merges), merges)
    line = "中\u3000国"
    (split,) = BpeApplier(official / "codes_xnli_15").lines([line])
    ours = vocabulary.ids(split.split())
    assert 61_489 in ours
    assert tokenizer.encode(line).ids != ours
