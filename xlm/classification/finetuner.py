"""One fine-tuning run on labelled rows; it returns the weights of the best dev evaluation.

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
from xlm.classification.task_data import read_task_data
from xlm.config.training.classification import FinetuneConfig
from xlm.dataloader.data import open_training_data
from xlm.dataloader.device_batch import to_device
from xlm.dataloader.loader import BatchLoader
from xlm.dataloader.masking.device import DeviceMasker
from xlm.dataloader.randomness import generator, seed_dropout, torch_seed
from xlm.dataloader.sampling.rows import row_lengths, shuffled_batches
from xlm.dataloader.sampling.sampler import EpochSampler
from xlm.dataloader.sequences import join_examples
from xlm.errors import TrainingError
from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder
from xlm.model.formats.ours import classifier_weights, load_encoder
from xlm.shards.lines import Examples
from xlm.training.loss import MaskedLoss
from xlm.training.optimizer import build_optimizer
from xlm.training.records.throughput import ThroughputMeter

log = logging.getLogger(__name__)


class DivergedError(TrainingError):
    """The loss or the gradient became infinite or NaN."""


@dataclass
class Attempt:
    """The result of one run; `weights` are those of the kept update."""

    restart: int
    learning_rate: float
    """Peak learning rate of the optimizer."""
    training: str
    """What the record calls the training languages (`TaskData.training`)."""
    score: float = -1.0
    """The dev accuracy that selects weights: of the training languages, or of all languages."""
    training_dev: float = -1.0
    """Mean dev accuracy of the kept weights in the training languages."""
    kept_update: int = 0
    training_pairs: int = 0
    """Number of training rows."""
    collapsed: bool = True
    collapsed_tries: list[dict[str, float | str]] = field(default_factory=list)
    """Earlier tries of the same restart with a higher learning rate, which collapsed."""
    evaluations: list[dict[str, float]] = field(default_factory=list)
    weights: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def record(self) -> dict[str, Any]:
        """All results but the weights, for JSON."""
        return {
            f"{self.training}_dev" if name == "training_dev" else name: value
            for name, value in vars(self).items()
            if name not in ("training", "weights")
        }


class Finetuner:
    """Fine-tunes a classifier in one process, with the seed of one restart.

    Args:
        job: the job.
        restart: number of the restart.
        device: where the model is trained.
        meter: counts the updates.
        rate_factor: factor of all learning rates.
        may_diverge: whether a loss that is not finite ends the run, with the weights until then.
    """

    def __init__(
        self,
        job: FinetuneJob,
        restart: int,
        device: torch.device,
        meter: ThroughputMeter | None = None,
        rate_factor: float = 1.0,
        may_diverge: bool = False,
    ) -> None:
        self._may_diverge = may_diverge
        self._config, self._restart, self._device = job.finetune, restart, device
        self._learning_rate = job.finetune.optimizer.learning_rate * rate_factor
        self._meter = meter
        vocabulary = load_vocabulary(job.vocabulary)
        encoder = load_encoder(job.encoder)
        self._description = encoder.description
        self._description.require_vocabulary(vocabulary.hash, "the vocabulary artifact")
        _prepare(encoder, self._config)
        self._task = read_task_data(job, vocabulary.hash)
        self._classifier = Classifier(encoder, self._config.classifier_dropout, self._task.labels)
        self._classifier.initialise(torch_seed(self._config.seed, "classifier", restart))
        self._classifier.to(device)
        self._language_ids = np.repeat(
            [self._description.language_id(code) for code in self._task.counts],
            list(self._task.counts.values()),
        )
        self._mixed = _mixed_loader(job, restart, self._description, vocabulary)
        self._masker = (
            DeviceMasker(vocabulary.counts, job.pretrain, device) if job.pretrain else None
        )
        self._masked_loss = MaskedLoss(encoder)
        own_rate = self._config.classifier_learning_rate
        optimizer = self._config.optimizer
        embedding_rate = optimizer.embedding_learning_rate
        self._optimizer = build_optimizer(
            self._classifier.named_parameters(),
            optimizer.model_copy(
                update={
                    "learning_rate": self._learning_rate,
                    "embedding_learning_rate": embedding_rate and embedding_rate * rate_factor,
                }
            ),
            self._config.schedule,
            self._config.updates,
            peak_rates={} if own_rate is None else {"linear.": own_rate * rate_factor},
        )

    def run(self) -> Attempt:
        """Train to the end, or until patience runs out or training has collapsed.

        Raises:
            DivergedError: the loss is not finite, and may not be, or at the first update.
        """
        config = self._config
        attempt = Attempt(self._restart, self._learning_rate, self._task.training)
        attempt.training_pairs = len(self._task.train)
        batches = EpochSampler(self._order)
        losses: list[float] = []
        self._classifier.train()
        for update in range(config.updates):
            try:
                losses.append(self._update(update, next(batches)))
            except DivergedError as error:
                # At the first update, the encoder or the rows are at fault.
                if not self._may_diverge or not update:
                    raise
                log.warning("restart %d ends: %s", self._restart, error.what)
                if not attempt.evaluations:
                    self._evaluate(attempt, update, float(np.mean(losses)))
                break
            is_last = update + 1 == config.updates
            if self._meter:
                self._meter.count(update + 1, config.batch_pairs, loss=losses[-1])
            if (update + 1) % config.evaluation_updates == 0 or is_last:
                self._evaluate(attempt, update + 1, float(np.mean(losses)))
                losses.clear()
                # During the warm-up, accuracy at chance says nothing yet.
                least = max(config.collapse_updates, config.schedule.warmup_updates + 1)
                is_lost = attempt.collapsed and update + 1 >= least
                if self._out_of_patience(attempt) or (is_lost and config.collapse != "report"):
                    break
        return attempt

    def _exceeds_chance(self, attempt: Attempt) -> bool:
        chance = self._task.chance() + self._config.collapse_margin
        name = f"{self._task.training}_dev"
        return any(row[name] > chance for row in attempt.evaluations)

    def _update(self, update: int, chosen: NDArray[np.int64]) -> float:
        config, path = self._config, ("finetune", self._restart, update)
        seed_dropout(self._device, torch_seed(config.seed, "dropout", *path))
        languages = self._description.languages
        ids = self._language_ids[chosen]
        if config.random_language_ids:
            ids = generator(config.seed, "languages", *path).integers(len(languages), size=len(ids))
        examples = self._task.train
        sequences = join_examples(
            examples,
            chosen,
            language_ids=ids,
            max_tokens=min(config.max_tokens, longest_sentence(self._classifier, examples)),
        )
        targets_B = torch.from_numpy(examples.labels[chosen])
        scores_BC = classify(self._classifier, sequences, self._device)
        loss = F.cross_entropy(scores_BC, targets_B.to(self._device))
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
            raise DivergedError(
                f"loss or gradient is not finite at update {update} of fine-tuning",
                fix="lower the rate (finetune.sweep.learning_rates, or without them "
                "finetune.optimizer.learning_rate), or lengthen the warm-up",
            )
        self._optimizer.adam.step()
        return float(loss.detach())

    def _evaluate(self, attempt: Attempt, update: int, loss: float) -> None:
        accuracies = {
            code: float((self._predict(code, examples) == examples.labels).mean())
            for code, examples in self._task.dev.items()
        }
        own = float(np.mean([accuracies[code] for code in self._task.selecting]))
        mean = float(np.mean(list(accuracies.values())))
        row = {"step": update, "loss": loss, f"{self._task.training}_dev": own}
        if self._config.select_by == "mean":
            row["mean_dev"] = mean
        attempt.evaluations.append(row)
        attempt.collapsed = not self._exceeds_chance(attempt)
        log.info(
            "restart %d, update %d: loss %.4f, %s dev %.4f",
            self._restart,
            update,
            loss,
            self._task.training,
            own,
        )
        score = mean if self._config.select_by == "mean" else own
        if self._config.keep == "last" or score > attempt.score:
            attempt.score, attempt.training_dev, attempt.kept_update = score, own, update
            weights = classifier_weights(self._classifier)
            attempt.weights = {name: tensor.clone() for name, tensor in weights.items()}

    def _predict(self, code: str, examples: Examples) -> NDArray[np.int64]:
        language_id = self._description.language_id(code)
        return predict(self._classifier, examples, language_id=language_id, device=self._device)

    def _out_of_patience(self, attempt: Attempt) -> bool:
        if self._config.patience is None:
            return False
        selector = "mean" if self._config.select_by == "mean" else self._task.training
        scores = [row[f"{selector}_dev"] for row in attempt.evaluations]
        return len(scores) - 1 - int(np.argmax(scores)) > self._config.patience

    def _order(self, epoch: int) -> list[NDArray[np.int64]]:
        """The batches of an epoch; as in XLM, rows of a batch need not have similar lengths."""
        random = generator(self._config.seed, "pairs", self._restart, epoch)
        return shuffled_batches(
            row_lengths(self._task.train, max_tokens=self._config.max_tokens),
            self._config.batch_pairs,
            random,
            by_length=self._config.group_by_length,
        )


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
