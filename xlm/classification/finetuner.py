"""One fine-tuning run on English NLI pairs; it returns the weights of the best dev evaluation.

attempt = Finetuner(job, restart=0, device=device).run()
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from xlm.bpe.vocabulary import load_vocabulary
from xlm.classification.evaluation.scoring import classify, longest_sentence, predict
from xlm.classification.launch.jobs import FinetuneJob
from xlm.config.languages.pairs import ENGLISH
from xlm.config.training.classification import FinetuneConfig
from xlm.dataloader.data import open_training_data
from xlm.dataloader.device_batch import to_device
from xlm.dataloader.loader import BatchLoader
from xlm.dataloader.masking.device import DeviceMasker
from xlm.dataloader.randomness import generator, seed_dropout, torch_seed
from xlm.dataloader.sampling.sampler import EpochSampler
from xlm.dataloader.sequences import join_nli_pairs
from xlm.errors import TrainingError
from xlm.model.classifier import LABELS, Classifier
from xlm.model.encoder import Encoder
from xlm.model.formats.ours import classifier_weights, load_encoder
from xlm.shards.lines import NliPairs
from xlm.shards.reader import read_nli_pairs
from xlm.training.loss import MaskedLoss
from xlm.training.optimizer import build_optimizer
from xlm.training.records.throughput import ThroughputMeter

log = logging.getLogger(__name__)


@dataclass
class Attempt:
    """The result of one run; `weights` are those of the kept update."""

    restart: int
    score: float = -1.0
    """The dev accuracy that selects weights: of English, or the mean of all languages."""
    english_dev: float = -1.0
    """English dev accuracy of the kept weights."""
    kept_update: int = 0
    training_pairs: int = 0
    """Number of English training pairs."""
    collapsed: bool = True
    evaluations: list[dict[str, float]] = field(default_factory=list)
    weights: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def record(self) -> dict[str, Any]:
        """All fields but the weights, for JSON."""
        return {name: value for name, value in vars(self).items() if name != "weights"}


class Finetuner:
    """Fine-tunes a classifier in one process, with the seed of one restart."""

    def __init__(
        self,
        job: FinetuneJob,
        restart: int,
        device: torch.device,
        meter: ThroughputMeter | None = None,
    ) -> None:
        self._config, self._restart, self._device = job.finetune, restart, device
        self._meter = meter
        vocabulary = load_vocabulary(job.vocabulary)
        encoder = load_encoder(job.encoder)
        self._description = encoder.description
        self._description.require_vocabulary(vocabulary.hash, "the vocabulary artifact")
        _prepare(encoder, self._config)
        self._classifier = Classifier(encoder, self._config.classifier_dropout)
        self._classifier.initialise(torch_seed(self._config.seed, "classifier", restart))
        self._classifier.to(device)
        self._train_pairs = _read(job, ENGLISH, "train", vocabulary.hash)
        chosen = [ENGLISH] if self._config.select_by == "english" else sorted(job.xnli)
        self._dev = {code: _read(job, code, "valid", vocabulary.hash) for code in chosen}
        self._mixed = _mixed_loader(job, restart, self._description, vocabulary)
        self._masker = (
            DeviceMasker(vocabulary.counts, job.pretrain, device) if job.pretrain else None
        )
        self._masked_loss = MaskedLoss(encoder)
        own_rate = self._config.classifier_learning_rate
        self._optimizer = build_optimizer(
            self._classifier.named_parameters(),
            self._config.optimizer,
            self._config.schedule,
            self._config.updates,
            peak_rates={} if own_rate is None else {"linear.": own_rate},
        )

    def run(self) -> Attempt:
        """Train to the end, or until patience runs out.

        Raises:
            TrainingError: the loss is not finite.
        """
        config, attempt = self._config, Attempt(self._restart)
        attempt.training_pairs = len(self._train_pairs.labels)
        batches = EpochSampler(self._order)
        losses: list[float] = []
        self._classifier.train()
        for update in range(config.updates):
            losses.append(self._update(update, next(batches)))
            is_last = update + 1 == config.updates
            if self._meter:
                self._meter.count(update + 1, config.batch_pairs, loss=losses[-1])
            if (update + 1) % config.evaluation_updates == 0 or is_last:
                self._evaluate(attempt, update + 1, float(np.mean(losses)))
                losses.clear()
                if self._out_of_patience(attempt):
                    break
        chance = _majority(self._dev[ENGLISH]) + config.collapse_margin
        attempt.collapsed = max(row["english_dev"] for row in attempt.evaluations) <= chance
        return attempt

    def _update(self, update: int, chosen: NDArray[np.int64]) -> float:
        config, path = self._config, ("finetune", self._restart, update)
        seed_dropout(self._device, torch_seed(config.seed, "dropout", *path))
        languages = self._description.languages
        ids = np.full(len(chosen), self._description.language_id(ENGLISH))
        if config.random_language_ids:
            ids = generator(config.seed, "languages", *path).integers(len(languages), size=len(ids))
        sequences = join_nli_pairs(
            self._train_pairs.premise,
            self._train_pairs.hypothesis,
            chosen,
            language_ids=ids,
            max_tokens=min(config.max_tokens, longest_sentence(self._classifier)),
        )
        targets_B = torch.from_numpy(self._train_pairs.labels[chosen].astype(np.int64))
        scores_B3 = classify(self._classifier, sequences, self._device)
        loss = F.cross_entropy(scores_B3, targets_B.to(self._device))
        total: Tensor = loss
        if self._mixed and (update + 1) % config.mix_pretraining == 0:
            batch = self._mixed.next_batch()
            losses_N = self._masked_loss(*to_device(batch, self._device, self._masker))
            total = loss + losses_N.sum() / max(len(losses_N), 1)
        self._optimizer.adam.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        self._optimizer.set_update(update)
        norm = self._optimizer.clip()
        if not np.isfinite(norm):
            raise TrainingError(
                f"loss or gradient is not finite at update {update} of fine-tuning",
                fix="lower finetune.optimizer.learning_rate or lengthen the warm-up",
            )
        self._optimizer.adam.step()
        return float(loss.detach())

    def _evaluate(self, attempt: Attempt, update: int, loss: float) -> None:
        accuracies = {
            code: float((self._predict(code, pairs) == pairs.labels).mean())
            for code, pairs in self._dev.items()
        }
        english, mean = accuracies[ENGLISH], float(np.mean(list(accuracies.values())))
        row = {"step": update, "loss": loss, "english_dev": english}
        if self._config.select_by == "mean":
            row["mean_dev"] = mean
        attempt.evaluations.append(row)
        log.info(
            "restart %d, update %d: loss %.4f, English dev %.4f",
            self._restart,
            update,
            loss,
            english,
        )
        score = english if self._config.select_by == "english" else mean
        if self._config.keep == "last" or score > attempt.score:
            attempt.score, attempt.english_dev, attempt.kept_update = score, english, update
            weights = classifier_weights(self._classifier)
            attempt.weights = {name: tensor.clone() for name, tensor in weights.items()}

    def _predict(self, code: str, pairs: NliPairs) -> NDArray[np.int64]:
        language_id = self._description.language_id(code)
        return predict(self._classifier, pairs, language_id=language_id, device=self._device)

    def _out_of_patience(self, attempt: Attempt) -> bool:
        if self._config.patience is None:
            return False
        selector = "mean_dev" if self._config.select_by == "mean" else "english_dev"
        scores = [row[selector] for row in attempt.evaluations]
        return len(scores) - 1 - int(np.argmax(scores)) > self._config.patience

    def _order(self, epoch: int) -> list[NDArray[np.int64]]:
        """Batches of shuffled pairs; as in XLM, pairs of a batch need not have similar lengths."""
        random = generator(self._config.seed, "pairs", self._restart, epoch)
        order = random.permutation(len(self._train_pairs.labels))
        size = min(self._config.batch_pairs, len(order))
        return [order[start : start + size] for start in range(0, len(order) - size + 1, size)]


def _prepare(encoder: Encoder, config: FinetuneConfig) -> None:
    """Set dropout and freeze parameters, as the configuration says."""
    encoder.set_dropout(hidden=config.encoder_dropout, attention=config.encoder_attention_dropout)
    layers = encoder.description.model.layers
    if config.frozen_layers > layers:
        raise TrainingError(
            f"finetune.frozen_layers is {config.frozen_layers}, but the model has {layers} layers",
            fix="lower it",
        )
    if config.freeze_embeddings:
        encoder.embeddings.requires_grad_(False)
        encoder.pred_layer.requires_grad_(False)
    if config.frozen_layers:
        encoder.freeze(config.frozen_layers)


def _read(job: FinetuneJob, code: str, split: str, vocabulary_hash: str) -> NliPairs:
    if code not in job.xnli:
        raise TrainingError(f"no XNLI data in {code}", fix=f"add {code} to the languages")
    pairs = read_nli_pairs(job.xnli[code], split, vocabulary_hash)
    if not len(pairs.labels):
        raise TrainingError(f"XNLI has no {split} rows in {code}", fix="check its source")
    return pairs


def _mixed_loader(
    job: FinetuneJob, restart: int, description: Any, vocabulary: Any
) -> BatchLoader | None:
    if not job.finetune.mix_pretraining or job.pretrain is None:
        return None
    # With the seed of pretraining, fine-tuning would see its first batches again.
    seed = torch_seed(job.finetune.seed, "mixed", restart)
    config = job.pretrain.model_copy(update={"seed": seed})
    data = open_training_data(job.mono, job.pairs, config, description, job.scratch / "ids")
    return BatchLoader(data, config, description, vocabulary.counts)


def _majority(pairs: NliPairs) -> float:
    return float(np.bincount(pairs.labels, minlength=len(LABELS)).max() / len(pairs.labels))
