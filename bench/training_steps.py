"""Training steps, ours and transformers', on the same synthetic batches, for the benchmarks.

    shape = Shape("small", layers=2, dimension=64, heads=4, vocabulary=4096, rows=16)
    step = our_step(shape, StepOptions(attention_dropout=0.1))
    step()

A step masks a batch, copies it to the device, computes loss and gradients, clips them and updates
the weights with Adam.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from xlm.bpe.vocabulary import NUM_SPECIAL_TOKENS
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.config.training.model import ModelConfig
from xlm.config.training.optimizer import OptimizerConfig, ScheduleConfig
from xlm.dataloader.batch import Batch, Targets
from xlm.dataloader.device_batch import to_device
from xlm.dataloader.masking.host import Masker
from xlm.model.cpu.dropout import DropoutRNG
from xlm.model.encoder import NORM_EPSILON, Encoder
from xlm.model.flops import StepShape, training_flops
from xlm.model.formats.description import ModelDescription
from xlm.model.initialise import initialise
from xlm.training.loss import MaskedLoss
from xlm.training.optimizer import build_optimizer

MASK_RATE, SAMPLE_ALPHA, DROPOUT = 0.15, 0.5, 0.1
IGNORED = -100
"""The label of positions that transformers must not predict."""

TrainingStep = Callable[[], None]


@dataclass(frozen=True)
class Shape:
    """A model and its batches."""

    name: str
    layers: int
    dimension: int
    heads: int
    vocabulary: int
    rows: int
    width: int = 256

    @property
    def tokens(self) -> int:
        """Input tokens of a step."""
        return self.rows * self.width

    @property
    def title(self) -> str:
        """Its name in tables."""
        return (
            f"{self.layers} layers, d {self.dimension}, {self.heads} heads, "
            f"{self.vocabulary:,} ids, {self.rows} x {self.width}"
        )

    def describe(self, attention_dropout: float) -> ModelDescription:
        """The description of the model, with fifteen languages."""
        return ModelDescription(
            model=ModelConfig(
                layers=self.layers,
                dimension=self.dimension,
                heads=self.heads,
                dropout=DROPOUT,
                attention_dropout=attention_dropout,
            ),
            languages=tuple(XNLI_LANGUAGES),
            vocabulary_size=self.vocabulary,
            vocabulary_hash="synthetic",
        )

    def flops(self) -> int:
        """Operations of a step by the formula of `xlm.model.flops`."""
        predicted = int(np.ceil(MASK_RATE * self.tokens))
        lengths = [self.width] * self.rows
        return training_flops(
            self.describe(0.0), StepShape.of_lengths(lengths, predicted=predicted)
        )


@dataclass(frozen=True)
class StepOptions:
    """How a step is computed."""

    attention_dropout: float
    device: str = "cpu"
    autocast: torch.dtype | None = None
    compiled: bool = False

    def precision(self) -> Any:
        """A context with the arithmetic of matrix products."""
        enabled = self.autocast is not None
        return torch.autocast(self.device, self.autocast or torch.bfloat16, enabled=enabled)


def batches(shape: Shape) -> Iterator[Batch]:
    """Full rows of ids with Zipf's distribution, masked as in training."""
    ranks = np.arange(1, shape.vocabulary - NUM_SPECIAL_TOKENS + 1)
    shares = (1 / ranks) / (1 / ranks).sum()
    counts = np.concatenate([np.zeros(NUM_SPECIAL_TOKENS), np.ceil(1e9 * shares)]).astype(np.int64)
    masker, cumulative = Masker(counts, SAMPLE_ALPHA), shares.cumsum()
    random = np.random.default_rng(0)
    while True:
        drawn = np.searchsorted(cumulative, random.random((shape.rows, shape.width)))
        tokens_BT = NUM_SPECIAL_TOKENS + np.minimum(drawn, len(ranks) - 1)
        masked = masker.mask(tokens_BT, None, rate=MASK_RATE, random=random)
        yield Batch(
            tokens_BT=masked.tokens_BT,
            languages_BT=np.full_like(tokens_BT, 4),
            task_B=np.zeros(shape.rows, dtype=np.int64),
            predicted=Targets(masked.selected_N, masked.targets_N),
        )


def our_step(shape: Shape, settings: StepOptions) -> TrainingStep:
    """A step as the trainer runs it."""
    device = torch.device(settings.device)
    encoder = Encoder(shape.describe(settings.attention_dropout))
    initialise(encoder, 0)
    encoder.to(device).train()
    loss = MaskedLoss(encoder, compiled=settings.compiled)
    optimizer = build_optimizer(
        encoder.named_parameters(), OptimizerConfig(), ScheduleConfig(), updates=200_000
    )
    numbered = enumerate(batches(shape))

    def step() -> None:
        update, batch = next(numbered)
        dropout_rng = DropoutRNG(0, update, range(shape.rows))
        optimizer.adam.zero_grad()
        with settings.precision():
            losses_N = loss(*to_device(batch, device), dropout_rng)
        (losses_N.sum() / len(losses_N)).backward()
        optimizer.set_update(update)
        optimizer.clip()
        optimizer.adam.step()

    return step


def their_step(shape: Shape, settings: StepOptions) -> TrainingStep:
    """A step of transformers' model with torch's AdamW, as its users write it."""
    import transformers

    device = torch.device(settings.device)
    config = transformers.XLMConfig(
        vocab_size=shape.vocabulary, emb_dim=shape.dimension, n_layers=shape.layers,
        n_heads=shape.heads, n_langs=len(XNLI_LANGUAGES), max_position_embeddings=512,
        layer_norm_eps=NORM_EPSILON, dropout=DROPOUT,
        attention_dropout=settings.attention_dropout,
    )  # fmt: skip
    model = transformers.XLMWithLMHeadModel(config).to(device).train()
    adam = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.98), weight_decay=0.0)
    made = batches(shape)

    def step() -> None:
        tensors = to_device(next(made), device)
        labels_BT = torch.full_like(tensors.tokens_BT, IGNORED)
        labels_BT.view(-1)[tensors.selected_N] = tensors.targets_N
        adam.zero_grad()
        with settings.precision():
            loss = model(
                input_ids=tensors.tokens_BT, langs=tensors.languages_BT, labels=labels_BT
            ).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        adam.step()

    return step
