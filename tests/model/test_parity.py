"""The paper's model, name by name, and training that equals transformers update by update.

Logits of single batches are compared in test_encoder.py and formats/hugging_face.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import XLMConfig, XLMWithLMHeadModel

from tests.model.formats.portable_models import small_model
from xlm.bpe.vocabulary import EOS, PAD
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.config.training.model import ModelConfig
from xlm.config.training.optimizer import OptimizerConfig, ScheduleConfig
from xlm.dataloader.batch import Batch, Targets
from xlm.dataloader.device_batch import to_device
from xlm.dataloader.masking.host import Masker
from xlm.dataloader.sequences import join_translations
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.hugging_face.folder import write_hugging_face
from xlm.model.formats.ours import set_encoder_weights, to_hugging_face
from xlm.shards.lines import Spans
from xlm.training.loss import MaskedLoss
from xlm.training.optimizer import build_optimizer

UPDATES = 20
TOLERANCE = 1e-4
RATE = 5e-3
WORDS = tuple(f"w{number}" for number in range(60))
POSITIONS = 24
CPU = torch.device("cpu")


def paper_shapes() -> dict[str, tuple[int, ...]]:
    """Spec 2.3, in its order."""
    d, layers = 1024, 12
    linear = {"weight": (d, d), "bias": (d,)}
    norm = {"weight": (d,), "bias": (d,)}
    shapes: dict[str, tuple[int, ...]] = {
        "position_embeddings.weight": (512, d),
        "lang_embeddings.weight": (15, d),
        "embeddings.weight": (95_000, d),
    }
    shapes |= {f"layer_norm_emb.{part}": shape for part, shape in norm.items()}
    for i in range(layers):
        for name in ("q_lin", "k_lin", "v_lin", "out_lin"):
            shapes |= {f"attentions.{i}.{name}.{part}": shape for part, shape in linear.items()}
    for i in range(layers):
        shapes |= {f"layer_norm1.{i}.{part}": shape for part, shape in norm.items()}
    for i in range(layers):
        shapes |= {f"ffns.{i}.lin1.weight": (4 * d, d), f"ffns.{i}.lin1.bias": (4 * d,)}
        shapes |= {f"ffns.{i}.lin2.weight": (d, 4 * d), f"ffns.{i}.lin2.bias": (d,)}
    for i in range(layers):
        shapes |= {f"layer_norm2.{i}.{part}": shape for part, shape in norm.items()}
    return shapes | {"pred_layer.proj.weight": (95_000, d), "pred_layer.proj.bias": (95_000,)}


def test_the_xnli_model_has_the_names_shapes_and_size_of_the_paper() -> None:
    with torch.device("meta"):
        encoder = Encoder(
            ModelDescription(
                model=ModelConfig(),
                languages=tuple(XNLI_LANGUAGES),
                vocabulary_size=95_000,
                vocabulary_hash="",
            )
        )
        theirs = XLMWithLMHeadModel(
            XLMConfig(vocab_size=95_000, emb_dim=1024, n_heads=8, n_langs=15)
        )
    state = encoder.state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    assert list(shapes.items()) == list(paper_shapes().items())
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 249_071_384
    renamed = {name: tuple(t.shape) for name, t in to_hugging_face(state).items()}
    assert renamed == {name: tuple(t.shape) for name, t in theirs.state_dict().items()}


def words(random: np.random.Generator, shape: int | tuple[int, ...]) -> np.ndarray:
    """Ids with a skewed distribution, so that there is something to learn."""
    return 14 + np.minimum(random.geometric(0.1, shape), len(WORDS)) - 1


def padded_streams(random: np.random.Generator, masker: Masker) -> Batch:
    """Rows of several lines, with different lengths and languages."""
    tokens_BT = words(random, (8, 16))
    tokens_BT[random.random(tokens_BT.shape) < 0.1] = EOS
    lengths_B = random.integers(4, 17, len(tokens_BT))
    lengths_B[0] = 16
    attention_mask_BT = np.arange(16)[None] < lengths_B[:, None]
    tokens_BT[~attention_mask_BT] = PAD
    languages_BT = np.repeat(random.integers(15, size=(len(tokens_BT), 1)), 16, axis=1)
    return masked(masker, random, tokens_BT, languages_BT, None, attention_mask_BT)


def translations(random: np.random.Generator, masker: Masker) -> Batch:
    """Joined pairs; positions restart in the second half."""

    def side() -> Spans:
        lengths_B = random.integers(1, 9, 6)
        ids = words(random, int(lengths_B.sum())).astype(np.int32)
        return Spans(ids, np.cumsum(lengths_B) - lengths_B, lengths_B)

    first, second = random.choice(15, 2, replace=False)
    sequences = join_translations(
        side(), side(), language_ids=(int(first), int(second)), positions=POSITIONS
    )
    assert (sequences.positions_BT[:, -1] < sequences.tokens_BT.shape[1] - 1).any()
    return masked(
        masker,
        random,
        sequences.tokens_BT,
        sequences.languages_BT,
        sequences.positions_BT,
        sequences.attention_mask_BT,
    )


def masked(
    masker: Masker,
    random: np.random.Generator,
    tokens_BT: np.ndarray,
    languages_BT: np.ndarray,
    positions_BT: np.ndarray | None,
    attention_mask_BT: np.ndarray,
) -> Batch:
    found = masker.mask(tokens_BT, attention_mask_BT, rate=0.15, random=random)
    return Batch(
        tokens_BT=found.tokens_BT,
        languages_BT=languages_BT,
        positions_BT=positions_BT,
        attention_mask_BT=attention_mask_BT,
        task_B=np.zeros(len(tokens_BT), dtype=np.int64),
        predicted=Targets(found.selected_N, found.targets_N),
    )


def batches(sample_alpha: float) -> Iterator[Batch]:
    counts = np.array([0] * 14 + list(range(1000, 1000 - len(WORDS), -1)))
    masker = Masker(counts, sample_alpha)
    for update in range(UPDATES):
        random = np.random.default_rng(update)
        yield (padded_streams if update % 2 == 0 else translations)(random, masker)


def their_loss(model: nn.Module, batch: Batch) -> Tensor:
    """The loss of transformers; arguments that are not passed get other defaults (spec 6.1)."""
    tensors = to_device(batch, CPU)
    assert tensors.attention_mask_BT is not None
    labels_BT = torch.full_like(tensors.tokens_BT, -100)
    labels_BT.view(-1)[tensors.selected_N] = tensors.targets_N
    positions_BT = tensors.positions_BT
    if positions_BT is None:
        positions_BT = torch.arange(labels_BT.shape[1]).expand_as(labels_BT)
    loss: Tensor = model(
        input_ids=tensors.tokens_BT,
        langs=tensors.languages_BT,
        position_ids=positions_BT,
        lengths=tensors.attention_mask_BT.sum(1),
        labels=labels_BT,
    ).loss
    return loss


@pytest.mark.slow
@pytest.mark.parametrize(("sample_alpha", "weight_decay"), [(0.5, 0.0), (0.0, 0.01)])
def test_losses_equal_those_of_transformers_in_twenty_updates(
    tmp_path: Path, sample_alpha: float, weight_decay: float
) -> None:
    model = small_model(WORDS, dropout=0.0, attention_dropout=0.0, max_positions=POSITIONS)
    # Larger embeddings, so that differences show and gradients are clipped.
    model.weights["embeddings.weight"].mul_(6)
    write_hugging_face(tmp_path, model)
    theirs = XLMWithLMHeadModel.from_pretrained(tmp_path).train()
    encoder = Encoder(model.description).train()
    set_encoder_weights(encoder, model.weights)
    module = MaskedLoss(encoder)
    config = OptimizerConfig(learning_rate=RATE, weight_decay=weight_decay)
    constant = ScheduleConfig(kind="constant", warmup_updates=0)
    optimizer = build_optimizer(encoder.named_parameters(), config, constant, UPDATES)
    adam = torch.optim.AdamW(
        theirs.parameters(), lr=RATE, betas=(0.9, 0.98), eps=1e-8, weight_decay=weight_decay
    )
    found, norms = [], []
    for update, batch in enumerate(batches(sample_alpha)):
        expected = their_loss(theirs, batch)
        adam.zero_grad()
        expected.backward()
        their_norm = nn.utils.clip_grad_norm_(theirs.parameters(), 5.0)
        adam.step()
        loss = module(*to_device(batch, CPU)).sum() / batch.predicted.count
        optimizer.adam.zero_grad()
        loss.backward()
        optimizer.set_update(update)
        norm = optimizer.clip()
        optimizer.adam.step()
        assert abs(loss.item() - expected.item()) < TOLERANCE, update
        assert norm == pytest.approx(float(their_norm), rel=1e-3)
        found.append(loss.item())
        norms.append(norm)
    assert np.mean(found[-4:]) < np.mean(found[:4]) - 0.5
    assert max(norms) > config.clip_norm
