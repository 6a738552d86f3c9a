"""Perplexity and accuracy on held-out text (spec 4.4).

validator = Validator(corpus, description, split="valid", stream_tokens=256)
sums = validator.measure(encoder, numbers=range(len(validator.tasks)), device=device)
metrics = validator.metrics(sums)  # valid_sw_mlm_ppl, valid_en_sw_mlm_ppl, valid_mlm_ppl, ...
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from xlm.config.training.pretrain import Objective
from xlm.dataloader.batch import Batch
from xlm.dataloader.data import HeldOutData, load_held_out_data
from xlm.dataloader.device_batch import to_device
from xlm.dataloader.held_out import causal_streams, masked_pairs, masked_streams
from xlm.dataloader.sampling.pairs import usable_pairs
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.packing import pack, select
from xlm.training.launch.job import PretrainJob

# XLM measures a part of the data if there are many languages (spec 4.4).
_MANY_LANGUAGES: Final = 5
_CHUNK_PARTS: Final = {"valid": 5, "test": 10}
_PAIR_LIMITS: Final = {"valid": 1500, "test": 300}
_MAX_POSITIONS: Final = 8192
"""Positions in one forward pass, padding included: 32 rows of the paper's length."""
_MAX_SCORES: Final = 2**26
"""Scores computed at once, 256 MiB: with 95,000 ids, those of 706 positions."""
_MAX_LOG: Final = 700.0
"""exp of more is not a finite float."""
LOSS, COUNT, CORRECT, DISTINCT = range(4)
"""Columns of the sums: loss, predicted positions, correct predictions, distinct predicted ids."""


@dataclass(frozen=True)
class ValidationTask:
    """One language or pair to measure."""

    name: str
    """`sw` or `en_sw`, as in XLM's names of metrics."""
    unit: str
    """`sw` or `en-sw`."""
    objective: Objective
    batches: "partial[Iterator[Batch]]"


class Validator:
    """Measures an encoder on one split of the held-out data."""

    def __init__(
        self,
        data: HeldOutData,
        description: ModelDescription,
        *,
        split: str,
        stream_tokens: int,
        max_chunks: int | None = None,
        max_pairs: int | None = None,
        predict_special_tokens: bool = True,
        objectives: Collection[Objective] = ("mlm", "tlm"),
    ) -> None:
        """List the tasks of a split.

        Args:
            split: "valid" or "test".
            max_chunks: maximum number of stream chunks per language.
            max_pairs: maximum number of sentence pairs per language pair.
            predict_special_tokens: whether masked tasks predict </s> and <unk>.
        """
        self._split = split
        many = len(description.languages) > _MANY_LANGUAGES
        parts = _CHUNK_PARTS[split] if many else 1
        streams: dict[Objective, Callable[..., Iterator[Batch]]] = {
            # CLM predicts every token, special tokens included.
            "clm": partial(causal_streams, parts=parts, max_chunks=max_chunks),
            "mlm": partial(
                masked_streams,
                parts=parts,
                max_chunks=max_chunks,
                predict_special_tokens=predict_special_tokens,
            ),
        }
        self.tasks = [
            ValidationTask(
                code,
                code,
                objective,
                partial(batches, lines, description.language_id(code), stream_tokens),
            )
            for objective, batches in streams.items()
            if objective in objectives
            for code, lines in data.mono.items()
            if len(lines)
        ]
        limits = [limit for limit in (max_pairs, _PAIR_LIMITS[split] if many else None) if limit]
        for pairs in data.pairs.values() if "tlm" in objectives else ():
            longest = description.model.max_positions - 2
            chosen = usable_pairs(pairs, longest)
            if len(chosen):
                limit = min(limits, default=None)
                batches = partial(
                    masked_pairs,
                    pairs,
                    chosen,
                    description,
                    limit=limit,
                    predict_special_tokens=predict_special_tokens,
                )
                name, unit = "_".join(pairs.languages), "-".join(pairs.languages)
                self.tasks.append(ValidationTask(name, unit, "tlm", batches))

    def measure(
        self,
        encoder: Encoder,
        numbers: Iterable[int],
        device: torch.device,
        *,
        precision: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> NDArray[np.float64]:
        """Sums of the given tasks, one row per task, zero for the others: (tasks, 4).

        Args:
            numbers: indices of the tasks.
            precision: context for the forward pass; losses are summed in fp64.
        """
        sums = np.zeros((len(self.tasks), 4))
        for number in numbers:
            batches = self.tasks[number].batches()
            sums[number] = measure_batches(encoder, batches, device, precision=precision)
        return sums

    @staticmethod
    def perplexity(row: NDArray[np.float64]) -> float:
        """exp of the mean loss of a task, from its row of the sums; the count must not be zero."""
        return math.exp(min(row[LOSS] / row[COUNT], _MAX_LOG))

    @staticmethod
    def predicted_ids(sums: NDArray[np.float64]) -> int | None:
        """Number of distinct predicted ids, in the task with the most of them; None: no data."""
        return int(sums[:, DISTINCT].max()) if sums[:, COUNT].any() else None

    def metrics(self, sums: NDArray[np.float64]) -> dict[str, float]:
        """Perplexities and accuracies (in %) under XLM's names, and their means."""
        found: dict[str, float] = {}
        means: dict[str, list[float]] = {}
        for task, row in zip(self.tasks, sums, strict=True):
            if not row[COUNT]:
                continue
            perplexity = self.perplexity(row)
            accuracy = 100 * row[CORRECT] / row[COUNT]
            # XLM calls TLM metrics `mlm` too: the name of the pair distinguishes them (spec 4.4).
            kind = "clm" if task.objective == "clm" else "mlm"
            prefix = f"{self._split}_{task.name}_{kind}"
            found |= {f"{prefix}_ppl": perplexity, f"{prefix}_acc": accuracy}
            means.setdefault(f"{self._split}_{task.objective}_ppl", []).append(perplexity)
            means.setdefault(f"{self._split}_{task.objective}_acc", []).append(accuracy)
        return found | {name: sum(values) / len(values) for name, values in means.items()}


def held_out_validator(job: PretrainJob, description: ModelDescription) -> Validator:
    """The validator of a pretraining run: the valid split of the data of its objectives.

    Raises:
        DataError: a split is missing, or was made with another vocabulary.
    """
    config = job.pretrain
    data = load_held_out_data(
        "valid",
        mono=job.mono if {"clm", "mlm"} & set(config.objectives) else {},
        pairs=job.pairs if "tlm" in config.objectives else {},
        vocabulary_hash=description.vocabulary_hash,
    )
    return Validator(
        data,
        description,
        split="valid",
        stream_tokens=config.stream_tokens,
        max_chunks=config.validation_max_chunks,
        max_pairs=config.validation_max_pairs,
        predict_special_tokens=config.scores_special_tokens,
        objectives=config.objectives,
    )


def stop_criterion(metrics: Mapping[str, float]) -> float | None:
    """The mean perplexity that decides which weights are best; None: no data.

    MLM is preferred to CLM, and CLM to TLM.
    """
    kinds = ("valid_mlm_ppl", "valid_clm_ppl", "valid_tlm_ppl")
    return next((metrics[kind] for kind in kinds if kind in metrics), None)


def measure_batches(
    encoder: Encoder,
    batches: Iterable[Batch],
    device: torch.device,
    *,
    precision: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> NDArray[np.float64]:
    """Sums over all batches, (4,), with the columns LOSS, COUNT, CORRECT, DISTINCT."""
    sums = np.zeros(4)
    predicted: set[int] = set()
    training = encoder.training
    encoder.eval()
    with torch.inference_mode():
        for batch in batches:
            for part in _parts(batch):
                with precision():
                    sums += _measure(encoder, part, device, predicted)
    encoder.train(training)
    sums[DISTINCT] = len(predicted)
    return sums


def _parts(batch: Batch) -> Iterator[Batch]:
    """Parts of a batch that fit one forward pass."""
    rows, width = batch.tokens_BT.shape
    count = math.ceil(rows / max(1, _MAX_POSITIONS // width))
    return (batch.share(part, count) for part in range(count))


def _measure(
    encoder: Encoder, batch: Batch, device: torch.device, predicted: set[int]
) -> NDArray[np.float64]:
    """The sums of a batch; the predicted ids are added to `predicted`."""
    tensors = to_device(batch, device)
    packed = pack(*tensors[:4])
    selected, order_N = select(packed, tensors.selected_N)
    states_ND = encoder.states(packed, selected, causal=batch.causal)
    targets_N = tensors.targets_N[order_N]
    sums = np.zeros(4)
    chunk = max(1, _MAX_SCORES // encoder.description.vocabulary_size)
    groups = zip(torch.split(states_ND, chunk), torch.split(targets_N, chunk), strict=True)
    for states_nD, targets_n in groups:
        scores_nV = encoder.predict(states_nD).float()
        losses_n = F.cross_entropy(scores_nV, targets_n, reduction="none")
        best_n = scores_nV.argmax(1)
        predicted.update(torch.unique(best_n).tolist())
        correct = (best_n == targets_n).sum().item()
        sums += (losses_n.double().sum().item(), len(losses_n), correct, 0)
    return sums
