"""The classifier computes only the first last-layer state: equal scores, gradients and labels."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.tiny_world import TinyWorld
from xlm.bpe.vocabulary import PAD
from xlm.classification.evaluation.scoring import predict
from xlm.config.data.tasks import XNLI_LABELS
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.config.training.model import ModelConfig
from xlm.config.training.optimizer import OptimizerConfig, ScheduleConfig
from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.ours import load_encoder
from xlm.model.initialise import initialise
from xlm.shards.reader import read_examples
from xlm.training.optimizer import build_optimizer

CPU = torch.device("cpu")
ROWS = {"full": [9] * 4, "padded": [12, 7, 3, 12, 1, 9], "single": [1, 1], "one row": [11]}


class FullClassifier(Classifier):
    """The plain formula: all states of the last layer, then the first of each row."""

    def forward(self, tokens_BT: Tensor, languages_BT: Tensor, attention_mask_BT: Tensor) -> Tensor:
        scores_B3: Tensor = self.proj(
            self.encoder(tokens_BT, languages_BT, attention_mask_BT=attention_mask_BT)[:, 0]
        )
        return scores_B3


def both(**model: object) -> tuple[Classifier, FullClassifier]:
    """Two classifiers with equal weights."""
    sizes = {"layers": 2, "dimension": 16, "heads": 4, "max_positions": 40, **model}
    description = ModelDescription(
        model=ModelConfig.model_validate(sizes),
        languages=tuple(XNLI_LANGUAGES),
        vocabulary_size=50,
        vocabulary_hash="0123456789abcdef",
    )
    first, full = Classifier(Encoder(description)), FullClassifier(Encoder(description))
    for classifier in (first, full):
        initialise(classifier.encoder, seed=1)
        classifier.initialise(seed=3)
    return first, full


def batch(lengths: Sequence[int], seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of the given lengths, with common tokens, so that embeddings get several gradients."""
    generator = torch.Generator().manual_seed(seed)
    tokens_BT = torch.randint(14, 20, (len(lengths), max(lengths)), generator=generator)
    for row, length in enumerate(lengths):
        tokens_BT[row, length:] = PAD
    return tokens_BT, torch.full_like(tokens_BT, 9), tokens_BT != PAD


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("layers", [1, 2])
def test_scores_are_those_of_the_full_computation(rows: str, layers: int, training: bool) -> None:
    first, full = both(layers=layers, dropout=0.0, attention_dropout=0.0)
    inputs = batch(ROWS[rows])
    expected = full.train(training)(*inputs)
    torch.testing.assert_close(first.train(training)(*inputs), expected, atol=1e-5, rtol=1e-5)
    with torch.inference_mode():
        torch.testing.assert_close(first(*inputs), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("rows", ROWS)
def test_every_gradient_is_that_of_the_full_computation(rows: str, recompute: bool) -> None:
    first, full = both(dropout=0.0, attention_dropout=0.0)
    inputs = batch(ROWS[rows])
    labels_B = torch.arange(len(inputs[0])) % 3
    for classifier in (first, full):
        classifier.train()
        classifier.encoder.recompute_activations = recompute
        F.cross_entropy(classifier(*inputs), labels_B).backward()
    for (name, ours), theirs in zip(first.named_parameters(), full.parameters(), strict=True):
        assert (ours.grad is None) == (theirs.grad is None) == ("pred_layer.proj.bias" in name)
        if ours.grad is not None and theirs.grad is not None:
            # Clipping and fused Adam take dense gradients only.
            assert ours.grad.layout == torch.strided, name
            torch.testing.assert_close(
                ours.grad, theirs.grad, atol=1e-6, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}"
            )


def test_updates_are_those_of_the_full_computation() -> None:
    first, full = both(dropout=0.0, attention_dropout=0.0)
    for classifier in (first, full):
        config = OptimizerConfig(learning_rate=0.001, clip_norm=0.5, epsilon=1e-3)
        optimizer = build_optimizer(
            classifier.named_parameters(), config, ScheduleConfig(kind="constant"), updates=5
        )
        for update in range(5):
            inputs = batch([10, 4, 7], seed=update)
            optimizer.adam.zero_grad()
            F.cross_entropy(classifier(*inputs), torch.tensor([0, 1, 2])).backward()
            optimizer.set_update(update)
            optimizer.clip()
            optimizer.adam.step()
    for (name, ours), theirs in zip(first.named_parameters(), full.parameters(), strict=True):
        torch.testing.assert_close(
            ours, theirs, atol=1e-6, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_dropout_of_states_is_that_of_the_full_computation() -> None:
    """Random numbers are drawn from the start of a row, so the first position has the same ones."""
    first, full = both(dropout=0.5, attention_dropout=0.0)
    inputs = batch(ROWS["padded"])
    found = []
    for classifier in (first, full):
        torch.manual_seed(7)
        found.append(classifier.train()(*inputs))
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=1e-5)


def test_the_last_layer_computes_one_state_of_each_row() -> None:
    first, _ = both()
    widths = [0, 0]
    for number, module in enumerate(first.encoder.ffns):
        module.register_forward_hook(
            lambda _, inputs, __, n=number: widths.__setitem__(n, len(inputs[0]))
        )
    first.eval()(*batch(ROWS["padded"]))
    assert widths == [sum(ROWS["padded"]), len(ROWS["padded"])]


def test_a_row_without_tokens_is_refused() -> None:
    first, _ = both()
    tokens_BT, languages_BT, attention_mask_BT = batch([4, 4])
    attention_mask_BT[1] = False
    with pytest.raises(AssertionError, match="a row without tokens"):
        first(tokens_BT, languages_BT, attention_mask_BT)


def test_labels_are_those_of_the_full_computation(world: TinyWorld, encoder: Path) -> None:
    first, full = Classifier(load_encoder(encoder)), FullClassifier(load_encoder(encoder))
    for classifier in (first, full):
        classifier.initialise(seed=3)
    for number, code in enumerate(sorted(world.xnli)):
        pairs = read_examples(
            world.xnli[code], "test", first.description.vocabulary_hash, XNLI_LABELS
        )
        ours, theirs = (
            predict(classifier, pairs, language_id=number, device=CPU)
            for classifier in (first, full)
        )
        assert len(ours)
        assert ours.tolist() == theirs.tolist()
