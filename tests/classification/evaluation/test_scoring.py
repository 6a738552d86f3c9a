"""One pass over all languages predicts what a pass over each language does."""

from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny_world import TinyWorld
from xlm.classification.evaluation import scoring
from xlm.classification.evaluation.scoring import predict, predict_all
from xlm.config.data.tasks import XNLI_LABELS
from xlm.dataloader.sequences import Sequences
from xlm.model.classifier import Classifier
from xlm.model.formats.ours import load_encoder
from xlm.shards.lines import Examples
from xlm.shards.reader import read_examples

CPU = torch.device("cpu")


@pytest.fixture
def classifier(encoder: Path) -> Classifier:
    """A classifier whose labels depend on language and sentences."""
    found = Classifier(load_encoder(encoder))
    found.initialise(seed=3)
    with torch.no_grad():
        # The language ids of an untrained encoder hardly change a label.
        found.encoder.lang_embeddings.weight.mul_(20)
    return found


@pytest.fixture
def examples(world: TinyWorld, classifier: Classifier) -> dict[str, Examples]:
    """Real rows, of different numbers by language, in an order that is not that of the ids."""
    vocabulary_hash = classifier.description.vocabulary_hash
    rows = {
        code: read_examples(world.xnli[code], "test", vocabulary_hash, XNLI_LABELS)
        for code in sorted(world.xnli, reverse=True)
    }
    return {code: block.head(30 - 7 * number) for number, (code, block) in enumerate(rows.items())}


def alone(classifier: Classifier, examples: dict[str, Examples]) -> dict[str, list[int]]:
    ids = classifier.encoder.description
    return {
        code: predict(classifier, rows, language_id=ids.language_id(code), device=CPU).tolist()
        for code, rows in examples.items()
    }


@pytest.mark.parametrize("most_tokens", [1, 60, scoring.BATCH_TOKENS])
def test_labels_are_those_of_each_language(
    classifier: Classifier,
    examples: dict[str, Examples],
    most_tokens: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = alone(classifier, examples)
    monkeypatch.setattr(scoring, "BATCH_TOKENS", most_tokens)
    found = predict_all(classifier, examples, device=CPU)
    assert {code: labels.tolist() for code, labels in found.items()} == expected
    assert list(found) == list(examples)
    assert len(set(chain.from_iterable(expected.values()))) > 1


def test_every_row_keeps_the_id_of_its_language(
    classifier: Classifier, examples: dict[str, Examples], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = examples["sw"]
    found = predict_all(classifier, {"sw": rows, "en": rows}, device=CPU)
    assert found["sw"].tolist() == alone(classifier, {"sw": rows})["sw"]
    assert found["en"].tolist() == alone(classifier, {"en": rows})["en"]
    batches: list[Sequences] = []
    classify = scoring.classify

    def record(model: Classifier, sequences: Sequences, device: torch.device) -> torch.Tensor:
        batches.append(sequences)
        return classify(model, sequences, device)

    monkeypatch.setattr(scoring, "classify", record)
    predict_all(classifier, {"sw": rows, "en": rows}, device=CPU)
    used = np.concatenate([batch.languages_BT[:, 0] for batch in batches])
    ids = [classifier.encoder.description.language_id(code) for code in ("en", "sw")]
    assert sorted(used.tolist()) == sorted(ids * len(rows))
    # One pass: a batch has rows of both languages.
    assert len(set(batches[0].languages_BT[:, 0].tolist())) == 2


def test_no_languages_and_no_rows_have_no_labels(
    classifier: Classifier, examples: dict[str, Examples]
) -> None:
    assert predict_all(classifier, {}, device=CPU) == {}
    found = predict_all(
        classifier, {"en": examples["en"].head(0), "sw": examples["sw"]}, device=CPU
    )
    assert len(found["en"]) == 0
    assert found["sw"].tolist() == alone(classifier, examples)["sw"]


def test_the_mode_of_the_classifier_stays(
    classifier: Classifier, examples: dict[str, Examples]
) -> None:
    for training in (True, False):
        classifier.train(training)
        predict_all(classifier, examples, device=CPU)
        assert classifier.training is training
