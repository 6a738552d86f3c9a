"""Wrong texts, languages, layers, numbers and ids of a caller: one error of the package."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xlm.errors import ConfigError, DataError, XlmError
from xlm.inference.load import load
from xlm.inference.model import Model


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.encode("a b", language="en"), "texts are one string; pass a list"),
        (lambda model: model.embed(["a"], language=b"en"), "language is a bytes"),
        (lambda model: model.embed(["a"], language="en", layer=1.0), "layer is a float"),
        (lambda model: model.embed(["a"], language="en", layer="1"), "layer is a str"),
        (lambda model: model.embed(["a"], language="en", layer=None), "layer is a NoneType"),
        (lambda model: model.fill_mask("<mask>", language="en", top=2.5), "top is 2.5"),
        (lambda model: model.fill_mask("<mask>", language="en", top="3"), "top is '3'"),
    ],
)
def test_a_wrong_argument_is_an_error_of_the_package(
    model: Model, call: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        call(model)


@pytest.mark.parametrize("bad", [-1, 10**6])
def test_ids_outside_the_vocabulary_are_refused(model: Model, bad: int) -> None:
    ids = [np.array([7, 8], dtype=np.int32), np.array([7, bad], dtype=np.int32)]
    for call in (model.embed_ids, model.perplexity_ids, model.fill_mask_ids):
        with pytest.raises(DataError, match="text 2 has ids from"):
            call(ids, language="en")
    with pytest.raises(DataError, match="text 2 has ids from"):
        model.class_scores(ids, ids, language="en")


def test_pairs_of_ids_have_equal_lengths(model: Model) -> None:
    ids = model.encode(["a", "b"], language="en")
    with pytest.raises(XlmError, match="1 hypotheses for 2 premises"):
        model.class_scores(ids, ids[:1], language="en")


def test_texts_may_be_an_iterator(model: Model) -> None:
    expected = model.encode(["a", "b"], language="en")
    found = model.encode(iter(["a", "b"]), language="en")  # type: ignore[arg-type]
    assert [ids.tolist() for ids in found] == [ids.tolist() for ids in expected]


def test_the_result_does_not_depend_on_the_other_texts(model: Model) -> None:
    texts = ["the boy drinks water", "girl", "a dog runs in the winter of July"] * 40
    together = model.embed(texts, language="en")
    for index in (0, 1, 2, 119):
        alone = model.embed(texts[index], language="en")
        np.testing.assert_allclose(together[index], alone, atol=1e-5)


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", "unknown device 'gpu'; use cpu, cuda or auto"),
        ("", "unknown device ''"),
        (None, "unknown device 'None'"),
        ("meta", "device 'meta' is not available"),
    ],
)
def test_a_wrong_device_is_refused(release: Path, device: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(release, device=device)


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(ConfigError, match="the path of the model is empty"):
        load("")
