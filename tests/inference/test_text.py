"""From texts to ids: the same as the stages', with masks in every language."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.inference.small_models import LANGUAGES, TEXTS
from xlm.bpe.apply import BpeApplier
from xlm.bpe.vocabulary import MASK
from xlm.config.languages.segmenters import DEFAULT_SEGMENTERS
from xlm.errors import ConfigError, DataError
from xlm.inference.model import Model
from xlm.text.chain import tokenizer_for


@pytest.mark.parametrize("language", LANGUAGES)
def test_ids_are_those_of_the_text_path(model: Model, release: Path, language: str) -> None:
    tokenize = tokenizer_for(language, DEFAULT_SEGMENTERS)
    bpe = BpeApplier(release / "masked-lm" / "merges.txt")
    for text, ids in zip(
        TEXTS[language], model.encode(TEXTS[language], language=language), strict=True
    ):
        (subwords,) = bpe.lines([tokenize(text)])
        assert ids.tolist() == model.vocabulary.ids(subwords.split())
        assert ids.dtype == np.int32


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mask_replaces_a_word_and_nothing_else(model: Model, language: str) -> None:
    """The words around it are tokenized as if another word stood there."""
    tokenize = tokenizer_for(language, DEFAULT_SEGMENTERS)
    words = tokenize(TEXTS[language][1]).split()
    for position in range(len(words)):
        text = " ".join([*words[:position], "<mask>", *words[position + 1 :]])
        (ids,) = model.encode([text], language=language)
        whole = [model.encode([word], language=language)[0].tolist() for word in words]
        whole[position] = [MASK]
        assert ids.tolist() == [one for word in whole for one in word]


@pytest.mark.parametrize(
    ("text", "language", "masks"),
    [
        ("<mask>", "en", 1),
        ("<mask><mask> <MASK>.", "en", 3),
        ("The un<mask>able word, <special1>!", "en", 2),
        ("Xmask and xmaskx and <mask>", "en", 1),
        ("孩子们<mask>花园里<mask>。", "zh", 2),
        ("เด็ก<mask>ใน<mask>สวน", "th", 2),
        ("الأطفال <mask> في الحديقة.", "ar", 1),
        ("Home. <mask> is here.", "en", 1),
    ],
)
def test_every_mask_is_found(model: Model, text: str, language: str, masks: int) -> None:
    (ids,) = model.encode([text], language=language)
    assert (ids == MASK).sum() == masks


def test_a_full_stop_before_a_mask_ends_a_sentence(model: Model) -> None:
    (ids,) = model.encode(["the garden. <mask> sleep."], language="en")
    (expected,) = model.encode(["the garden . <mask> sleep ."], language="en")
    assert ids.tolist() == expected.tolist()


def test_the_name_of_a_special_token_is_not_one(model: Model) -> None:
    """No text can end a sentence; only masks are asked for."""
    (ids,) = model.encode(["The </s> children <pad>"], language="en")
    assert set(ids.tolist()) & {0, 1, 2, MASK} == set()


def test_a_line_break_is_a_space(model: Model) -> None:
    first, second = model.encode(["The\nchildren", "The children"], language="en")
    assert first.tolist() == second.tolist()


@pytest.mark.parametrize(
    ("texts", "language", "error", "message"),
    [
        (["a", ""], "en", DataError, "text 2 has no tokens; remove it, or write a text"),
        (["a", " \t "], "en", DataError, "text 2 has no tokens"),
        (["a", None], "en", DataError, "text 2 is a NoneType, not a string; pass strings"),
        (["\ud800"], "en", DataError, "text 1 is not Unicode text: surrogates not allowed"),
        (["a"], "pt", ConfigError, "the model has no language 'pt'; use one of ar bg de el"),
        (["a", "b"], ["en"], ConfigError, "there are 1 languages for 2 texts; pass one for each"),
        (["a"], None, ConfigError, "language is a NoneType; pass a code, or one for each text"),
        (None, "en", ConfigError, "texts are a NoneType; pass a string or a list of strings"),
        (b"bytes", "en", ConfigError, "texts are a bytes; pass a string or a list of strings"),
    ],
)
def test_unusable_texts_are_named(
    model: Model, texts: Any, language: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        model.embed(texts, language=language)
