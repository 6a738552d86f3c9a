"""Retrieval of the user's pairs is that of the stage `evaluate`, with layers and pooling."""

import pytest
import torch

from tests.inference.small_models import TEXTS
from xlm.classification.evaluation.retrieval import retrieve
from xlm.errors import ConfigError, DataError
from xlm.evaluation.retrieval import retrieval_of_pairs
from xlm.inference.model import Model
from xlm.shards.lines import Lines, Pairs

LANGUAGES = ("en", "sw")


def sentences(code: str) -> list[str]:
    words = " ".join(TEXTS[code]).split()
    return [" ".join(words[begin : begin + 3]) for begin in range(len(words) - 2)][:6]


@pytest.fixture(scope="module")
def pairs(model: Model) -> Pairs:
    first, second = (model.encode(sentences(code), language=code) for code in LANGUAGES)
    count = min(len(first), len(second))
    # The last pair is a repetition.
    return Pairs(
        LANGUAGES,
        Lines.of([*first[:count], first[0]]),
        Lines.of([*second[:count], second[0]]),
    )


def test_the_stage_measures_the_same(model: Model, pairs: Pairs) -> None:
    found = retrieval_of_pairs(model, pairs)
    stage = retrieve(model.encoder, pairs, pivot="en", limit=1000, device=torch.device("cpu"))
    assert stage is not None
    assert (found.pairs, found.left_out) == (stage.pairs, 1)
    assert [one.precision for one in found.raw] == [stage.raw_from_english, stage.raw_to_english]
    centred = [one.precision for one in found.centred]
    assert centred == [stage.centred_from_english, stage.centred_to_english]
    assert all(one.low <= one.precision <= one.high for one in (*found.raw, *found.centred))


@pytest.mark.parametrize(("pooling", "layer"), [("mean", 0), ("first", 2), ("mean", -2)])
def test_vectors_are_those_of_embed(model: Model, pairs: Pairs, pooling: str, layer: int) -> None:
    done: list[int] = []
    found = retrieval_of_pairs(
        model,
        pairs,
        pooling=pooling,  # type: ignore[arg-type]  # a parameter
        layer=layer,
        limit=4,
        progress=done.append,
    )
    assert done[-1] == 8
    first_ND, second_ND = (
        torch.nn.functional.normalize(
            torch.from_numpy(
                model.embed(
                    sentences(code)[:4],
                    language=code,
                    pooling=pooling,  # type: ignore[arg-type]
                    layer=layer,
                )
            )
        )
        for code in LANGUAGES
    )
    cosine_NN = first_ND @ second_ND.T
    shares = [(cosine_NN.argmax(axis) == torch.arange(4)).double().mean().item() for axis in (1, 0)]
    assert [one.precision for one in found.raw] == shares


def test_too_few_pairs_and_unknown_layers_are_refused(model: Model, pairs: Pairs) -> None:
    one = Pairs(LANGUAGES, pairs.first.slice(0, 1), pairs.second.slice(0, 1))
    with pytest.raises(DataError, match=r"1 of 1 pairs are distinct .* retrieval needs 2"):
        retrieval_of_pairs(model, one)
    with pytest.raises(ConfigError, match="layer 9 does not exist; use 0"):
        retrieval_of_pairs(model, pairs, layer=9)
