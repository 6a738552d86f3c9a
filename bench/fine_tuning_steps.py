"""Fine-tuning updates and predictions, ours and transformers', on the same rows of mini15's sizes.

contestants = Contestants(dropout=0.1)
for batch in training_batches(10):
    contestants.our_update(batch)
    contestants.their_update(batch)
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import transformers
from numpy.typing import NDArray

from xlm.bpe.vocabulary import NUM_SPECIAL_TOKENS
from xlm.classification.evaluation.scoring import BATCH_ROWS, BATCH_TOKENS, classify
from xlm.config.reading.resolve import resolve
from xlm.dataloader.randomness import seed_dropout
from xlm.dataloader.sampling.rows import batches_by_length, row_lengths, shuffled_batches
from xlm.dataloader.sequences import Sequences, join_examples
from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.hugging_face.folder import write_classifier
from xlm.model.initialise import initialise
from xlm.shards.lines import Examples, Lines, concatenate_examples
from xlm.training.optimizer import build_optimizer

CPU = torch.device("cpu")
CONFIG = resolve("mini15")
LENGTHS = {
    "ar": (62, 22), "bg": (71, 25), "de": (62, 22), "el": (76, 26), "en": (53, 18),
    "es": (61, 20), "fr": (62, 20), "hi": (67, 24), "ru": (70, 25), "sw": (58, 20),
    "th": (62, 22), "tr": (59, 20), "ur": (69, 24), "vi": (50, 17), "zh": (49, 16),
}  # fmt: skip
"""Mean and spread of the tokens of a premise and a hypothesis together, with mini15's merges."""
TRAINING_LENGTHS = (53, 22)
"""The same of the English training rows."""
LEAST, MOST = 12, 158
SIGNAL_IDS, SIGNAL_SHARE, NOISE = 20, 0.2, 0.1
"""Ids that point to each label, their share of the tokens, and the share of random labels."""


@dataclass(frozen=True)
class Batch:
    """Rows and their labels."""

    sequences: Sequences
    labels_B: NDArray[np.int64]


def training_batches(count: int) -> list[Batch]:
    """Batches of fine-tuning, in random order as in mini15."""
    rows, random = CONFIG.finetune.batch_pairs, np.random.default_rng(0)
    examples = _examples(count * rows, *TRAINING_LENGTHS, random)
    longest = CONFIG.finetune.max_tokens
    lengths = row_lengths(examples, max_tokens=longest)
    ids = np.full(len(examples), CONFIG.languages.index("en"))
    return [
        _batch(examples, chosen, ids, longest) for chosen in shuffled_batches(lengths, rows, random)
    ]


def evaluation_batches(rows: int, *, by_length: bool) -> list[Batch]:
    """Batches of dev and test of every language, `rows` rows in each: those of `predict_all`.

    Not `by_length`: in the order of the files.
    """
    random = np.random.default_rng(1)
    sets = [_examples(2 * rows, *LENGTHS[code], random) for code in CONFIG.languages]
    examples = concatenate_examples(sets)
    ids = np.repeat(np.arange(len(sets)), 2 * rows)
    longest = (CONFIG.model.max_positions + 1) // 2
    lengths = row_lengths(examples, max_tokens=longest)
    batches = (
        batches_by_length(lengths, most_rows=BATCH_ROWS, most_tokens=BATCH_TOKENS)
        if by_length
        else np.array_split(np.arange(len(lengths)), range(BATCH_ROWS, len(lengths), BATCH_ROWS))
    )
    return [_batch(examples, chosen, ids, longest) for chosen in batches]


def _examples(count: int, mean: int, spread: int, random: np.random.Generator) -> Examples:
    """Pairs of random ids, some of which point to the label."""
    totals = random.normal(mean, spread, count).round().clip(LEAST, MOST).astype(int) - 3
    labels = random.integers(3, size=count)
    first, second = [], []
    for total, label in zip(totals, labels, strict=True):
        ids = random.integers(NUM_SPECIAL_TOKENS, CONFIG.vocabulary.size, total)
        signal = NUM_SPECIAL_TOKENS + label * SIGNAL_IDS + random.integers(SIGNAL_IDS, size=total)
        ids = np.where(random.random(total) < SIGNAL_SHARE, signal, ids).astype(np.int32)
        # A premise is about twice as long as its hypothesis.
        cut = max(1, 2 * int(total) // 3)
        first.append(ids[:cut])
        second.append(ids[cut:])
    is_random = random.random(count) < NOISE
    labels = np.where(is_random, random.integers(3, size=count), labels)
    return Examples(Lines.of(first), Lines.of(second), labels)


def _batch(
    examples: Examples, chosen: NDArray[np.int64], ids: NDArray[np.int64], longest: int
) -> Batch:
    sequences = join_examples(examples, chosen, language_ids=ids[chosen], max_tokens=longest)
    return Batch(sequences, examples.labels[chosen])


class Contestants:
    """Both classifiers with the same weights, and their optimizers."""

    def __init__(self, dropout: float) -> None:
        tuning = CONFIG.finetune
        description = ModelDescription(
            model=CONFIG.model.model_copy(update={"dropout": dropout}),
            languages=tuple(CONFIG.languages),
            vocabulary_size=CONFIG.vocabulary.size,
            vocabulary_hash="synthetic",
        )
        self.ours = Classifier(Encoder(description), tuning.classifier_dropout)
        initialise(self.ours.encoder, 0)
        self.ours.initialise(0)
        self.theirs = self._exported()
        self._optimizer = build_optimizer(
            self.ours.named_parameters(), tuning.optimizer, tuning.schedule, tuning.updates
        )
        peak = tuning.optimizer
        self._adam = torch.optim.Adam(
            self.theirs.parameters(), lr=0, betas=(peak.beta1, peak.beta2), eps=peak.epsilon
        )
        self._update = {"ours": 0, "theirs": 0}

    def _exported(self) -> Any:
        """Our classifier as transformers loads it from our exported folder."""
        model = self.ours.encoder.description.model
        with tempfile.TemporaryDirectory() as folder:
            write_classifier(Path(folder), self.ours)
            return transformers.XLMForSequenceClassification.from_pretrained(
                folder, dropout=model.dropout, attention_dropout=model.attention_dropout
            )

    def copy_weights(self, target: "Contestants") -> None:
        """Give our trained weights to both classifiers of `target`."""
        target.ours.load_state_dict(self.ours.state_dict())
        target.theirs = target._exported()

    def our_update(self, batch: Batch) -> None:
        """An update as in `xlm.classification.finetuner`."""
        update = self._next("ours")
        seed_dropout(CPU, update)
        self.ours.train()
        scores_B3 = classify(self.ours, batch.sequences, CPU)
        loss = F.cross_entropy(scores_B3, torch.from_numpy(batch.labels_B))
        self._optimizer.adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.set_update(update)
        self._optimizer.clip()
        self._optimizer.adam.step()

    def their_update(self, batch: Batch) -> None:
        """An update as users of transformers write it."""
        update, clip = self._next("theirs"), CONFIG.finetune.optimizer.clip_norm
        self.theirs.train()
        loss = F.cross_entropy(self._their_scores(batch), torch.from_numpy(batch.labels_B))
        self._adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self._adam.param_groups:
            group["lr"] = self._optimizer.rates[0](update)
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(self.theirs.parameters(), clip)
        self._adam.step()

    def our_labels(self, batch: Batch) -> NDArray[np.int64]:
        """Labels as `xlm.classification.evaluation.scoring` predicts them."""
        self.ours.eval()
        with torch.inference_mode():
            labels_B: NDArray[np.int64] = (
                classify(self.ours, batch.sequences, CPU).argmax(1).numpy()
            )
        return labels_B

    def their_labels(self, batch: Batch) -> NDArray[np.int64]:
        """Labels by transformers."""
        self.theirs.eval()
        with torch.inference_mode():
            labels_B: NDArray[np.int64] = self._their_scores(batch).argmax(1).numpy()
        return labels_B

    def _their_scores(self, batch: Batch) -> torch.Tensor:
        sequences = batch.sequences
        assert sequences.attention_mask_BT is not None
        scores_B3: torch.Tensor = self.theirs(
            input_ids=torch.from_numpy(sequences.tokens_BT),
            attention_mask=torch.from_numpy(sequences.attention_mask_BT).long(),
            langs=torch.from_numpy(sequences.languages_BT),
        ).logits
        return scores_B3

    def _next(self, who: str) -> int:
        update = self._update[who]
        self._update[who] += 1
        return update
