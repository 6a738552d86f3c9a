"""Merges and ids are taken over from a model of any format, exactly or not at all."""

import hashlib
import json
import random
from pathlib import Path

import pytest
import torch
from transformers import XLMConfig, XLMTokenizer, XLMWithLMHeadModel

from tests.model.warm_start.sources import CODES, LAYOUTS, TEXT, model_with_merges, write_source
from xlm.bpe.apply import BpeApplier
from xlm.bpe.codes_file import read_merges
from xlm.errors import DataError, XlmError
from xlm.model.warm_start.subwords import read_subwords


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_has_the_same_merges_and_ids(tmp_path: Path, layout: str) -> None:
    model = model_with_merges(tmp_path)
    assert model.vocabulary is not None
    found = read_subwords(write_source(tmp_path / "source", layout, model))
    assert found.codes.decode() == CODES
    assert found.vocabulary.tokens == model.vocabulary.tokens
    assert found.vocabulary.codes_hash == hashlib.sha256(CODES.encode()).hexdigest()


def _saved_by_transformers(folder: Path, source: Path) -> XLMTokenizer:
    """A model with random weights and the tokenizer of `source`, both saved by transformers."""
    tokenizer = XLMTokenizer.from_pretrained(source)
    torch.manual_seed(5)
    config = XLMConfig(
        vocab_size=len(tokenizer), emb_dim=16, n_layers=1, n_heads=2, n_langs=2,
        lang2id={"en": 0, "sw": 1}, id2lang={"0": "en", "1": "sw"}, max_position_embeddings=24,
    )  # fmt: skip
    XLMWithLMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return tokenizer


@pytest.mark.slow
def test_a_folder_that_transformers_saved_gives_the_ids_of_transformers(tmp_path: Path) -> None:
    """`save_pretrained` writes the merges without counts."""
    source = write_source(tmp_path / "made", "hugging-face", model_with_merges(tmp_path))
    tokenizer = _saved_by_transformers(tmp_path / "saved", source)
    assert not read_merges(tmp_path / "saved" / "merges.txt").counted
    found = read_subwords(tmp_path / "saved")
    (tmp_path / "codes").write_bytes(found.codes)
    bpe = BpeApplier(tmp_path / "codes")
    letters = random.Random(1)
    words = ["".join(letters.choices("lownerst", k=letters.randint(1, 7))) for _ in range(300)]
    for text in [*TEXT, *words]:
        theirs = tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text, bypass_tokenizer=True))
        (line,) = bpe.lines([text])
        assert found.vocabulary.ids(line.split()) == theirs, text


def test_the_end_of_a_word_is_read_from_merges_without_counts(tmp_path: Path) -> None:
    path = tmp_path / "merges.txt"
    path.write_text("l o\nlo w</w>\n")
    assert not read_merges(path).separate_end
    path.write_text("w </w>\nlo w</w>\n")
    assert read_merges(path).separate_end


@pytest.mark.parametrize("layout", LAYOUTS)
def test_merges_of_another_model_are_refused(tmp_path: Path, layout: str) -> None:
    other = "l e 9\nle s</w> 8\n"
    source = write_source(tmp_path / "source", layout, model_with_merges(tmp_path), other)
    with pytest.raises(DataError, match=r"produce 0 of|no matching") as caught:
        read_subwords(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_source_without_merges_is_refused(tmp_path: Path, layout: str) -> None:
    source = write_source(tmp_path / "source", layout, model_with_merges(tmp_path))
    folder = source if source.is_dir() else source.parent
    for name in ("codes", "codes_mine", "merges.txt"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(
        DataError, match="BPE merges; copy the codes file of the model to"
    ) as caught:
        read_subwords(source)
    assert str(folder / "codes") in str(caught.value)


def test_other_special_tokens_are_refused(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source", "hugging-face", model_with_merges(tmp_path))
    ids = json.loads((source / "vocab.json").read_text())
    ids["[MASK]"] = ids.pop("<special1>")
    (source / "tokenizer_config.json").unlink()
    (source / "vocab.json").write_text(json.dumps(ids))
    with pytest.raises(XlmError, match="begins with <s> </s> <pad> <unk> <special0>"):
        read_subwords(source)


def test_merges_with_a_separate_end_are_refused(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source", "xlm", model_with_merges(tmp_path))
    (source / "codes").write_text("l o\nw </w>\nlo w</w>\nn e\nne w</w>\nr </w>\ne r</w>\n")
    with pytest.raises(DataError, match=r"subword-nmt 0\.1"):
        read_subwords(source)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source", "hugging-face", model_with_merges(tmp_path))
    before = read_subwords(source)
    (source / "merges.txt").write_text(CODES + "lo n 1\n")
    ids = json.loads((source / "vocab.json").read_text())
    ids["lon"] = ids.pop("s")
    (source / "vocab.json").write_text(json.dumps(ids))
    after = read_subwords(source)
    assert after.codes != before.codes
    assert after.vocabulary.hash != before.vocabulary.hash
