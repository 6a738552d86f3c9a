"""XLMTokenizer, loaded from a published folder, returns our ids."""

import json
from pathlib import Path

import pytest
from transformers import XLMTokenizer

from xlm.bpe.vocabulary import SPECIAL_TOKENS, read_counted_vocabulary
from xlm.inference.rules import TokenizationRules, rules_of
from xlm.model.formats.hugging_face.vocab_json import huggingface_vocabulary
from xlm.release.tokenizer import write_tokenizer


@pytest.fixture
def small(tmp_path: Path) -> Path:
    merges = b"h e 9\nhe y</w> 5\nl o</w> 3"
    tokens = [*SPECIAL_TOKENS, "hey", "he@@", "lo", "l@@", "o"]
    write_tokenizer(
        tmp_path / "model", tokens=tokens, merges=merges, languages=("en", "sw"), positions=64
    )
    return tmp_path / "model"


def test_encoded_text_starts_and_ends_with_end_of_sentence(small: Path) -> None:
    """XLM starts with </s>; the default of transformers, <s>, was never trained."""
    tokenizer = XLMTokenizer.from_pretrained(small)
    encoded = tokenizer("hey helo")
    assert encoded["input_ids"] == [1, 14, 15, 16, 1]
    assert tokenizer.mask_token_id == 5
    assert len(tokenizer) == 19


def test_an_encoded_pair_has_three_ends_and_no_token_types(small: Path) -> None:
    """XLMModel would look token_type_ids up as word embeddings, so there must be none."""
    encoded = XLMTokenizer.from_pretrained(small)("hey", "lo")
    assert encoded["input_ids"] == [1, 14, 1, 16, 1]
    assert set(encoded) == {"input_ids", "attention_mask"}


def test_languages_and_maximum_length_are_set(small: Path) -> None:
    tokenizer = XLMTokenizer.from_pretrained(small)
    assert tokenizer.lang2id == {"en": 0, "sw": 1}
    assert tokenizer.id2lang == {"0": "en", "1": "sw"}
    assert tokenizer.model_max_length == 64
    assert tokenizer.do_lowercase_and_remove_accent


def test_saving_and_loading_keeps_the_ids(small: Path, tmp_path: Path) -> None:
    first = XLMTokenizer.from_pretrained(small)
    first.save_pretrained(tmp_path / "again")
    second = XLMTokenizer.from_pretrained(tmp_path / "again")
    assert first("hey lo", "helo") == second("hey lo", "helo")
    assert second.lang2id == first.lang2id


def test_the_last_merge_is_kept_without_a_final_newline(small: Path) -> None:
    tokenizer = XLMTokenizer.from_pretrained(small)
    assert tokenizer.bpe_ranks[("l", "o</w>")] == 2


def test_a_bare_continuation_mark_becomes_the_empty_subword() -> None:
    subwords = huggingface_vocabulary([*SPECIAL_TOKENS, "a", "@@", "a@@"])
    assert (subwords["a</w>"], subwords[""], subwords["a"]) == (14, 15, 16)


def test_equal_subwords_keep_the_lower_id() -> None:
    subwords = huggingface_vocabulary([*SPECIAL_TOKENS, "a", "a</w>@@", "<unk>@@"])
    assert subwords["a</w>"] == 14
    assert subwords["<unk>"] == 3


@pytest.mark.slow
def test_published_vocabulary_gives_the_golden_ids(tmp_path: Path, shared: Path) -> None:
    official = shared / "mirror/dl.fbaipublicfiles.com/XLM"
    tokens = read_counted_vocabulary(official / "vocab_xnli_15", size=95_000).tokens
    write_tokenizer(
        tmp_path,
        tokens=tokens,
        merges=(official / "codes_xnli_15").read_bytes(),
        languages=("en",),
        positions=512,
    )
    subwords = json.loads((tmp_path / "vocab.json").read_text(encoding="utf-8"))
    assert sorted(subwords.values()) == list(range(95_000))
    assert subwords[""] == 61_489
    tokenizer = XLMTokenizer.from_pretrained(tmp_path)
    rows = 0
    for path in sorted((shared / "golden/xlm15_tokens").glob("golden.*.jsonl")):
        for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
            row = json.loads(line)
            found = tokenizer._tokenize(row["lower_noaccent"], bypass_tokenizer=True)
            assert tokenizer.convert_tokens_to_ids(found) == row["ids"], row["raw"]
            rows += 1
    assert rows == 900


def test_a_cased_model_keeps_case_and_accents(tmp_path: Path) -> None:
    tokens = [*SPECIAL_TOKENS, "É@@", "t@@", "é"]
    write_tokenizer(
        tmp_path,
        tokens=tokens,
        merges=b"x y 1\n",
        languages=("fr",),
        positions=64,
        rules=TokenizationRules({"km": "icu", "th": "newmm"}, {"luo": "en"}, cased=True),
    )
    tokenizer = XLMTokenizer.from_pretrained(tmp_path)
    assert not tokenizer.do_lowercase_and_remove_accent
    assert tokenizer("Été")["input_ids"] == [1, 14, 15, 16, 1]
    assert rules_of(tmp_path, ("km", "luo", "th")) == TokenizationRules(
        {"km": "icu", "th": "newmm"}, {"luo": "en"}, cased=True
    )
