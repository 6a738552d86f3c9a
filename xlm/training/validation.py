"""Perplexity and accuracy on held-out text, masked the same way every time.

    validator = Validator(corpus, description, split="valid", stream_tokens=256)
    sums = validator.measure(encoder, numbers=range(len(validator.tasks)), device=device)
    metrics = validator.metrics(sums)  # valid_sw_mlm_ppl, valid_en_sw_mlm_ppl, valid_mlm_ppl, ...

XLM (spec 4.4): RandomState(0) for each language or pair and split; a cell is chosen with
probability 0.15, never the first, nor the last of its row; at least one a row; it always becomes
<special1>. Streams come in rows of one, pairs sorted by length. Of a pair we measure one direction.
CLM predicts each place from those before it, all but a row's last (spec 3.5).
With `specials=False`, </s> and <unk> are not asked for: the original asks for them even where
training never does (sample_alpha > 0), and their losses, which only grow, then drown all others.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from xlm.batches.batch import Batch, Selected
from xlm.batches.concatenate import join_translations
from xlm.batches.data import Corpus, load_corpus
from xlm.batches.filling import next_tokens
from xlm.batches.pairs import pair_tokens, usable_pairs
from xlm.batches.steps import Inputs
from xlm.batches.streams import Stream
from xlm.bpe.vocabulary import FIRST_ORDINARY, MASK
from xlm.config.training import Objective
from xlm.model.description import ModelDescription
from xlm.model.encoder import Encoder
from xlm.shards.lines import Lines, Pairs
from xlm.training.job import PretrainJob
from xlm.training.objective import to_tensors

RATE: Final = 0.15
"""The paper's share, whatever the run trains with, so that perplexities can be compared."""
_ROWS = 32
_MANY_LANGUAGES = 5
_CHUNK_PARTS = {"valid": 5, "test": 10}
_LARGEST_LOG = 700.0
"""exp of more is no float."""
_PAIR_LIMITS = {"valid": 1500, "test": 300}
LOSS, CELLS, RIGHT, DIFFERENT = range(4)
"""Columns of the sums: loss, places predicted, rightly predicted ones, different ids predicted."""


@dataclass(frozen=True)
class Task:
    """One language or pair to measure."""

    name: str
    """`sw` or `en_sw`, as in the original's metric names."""
    objective: Objective
    batches: "partial[Iterator[Batch]]"


class Validator:
    """Measures one split; more than five languages are cut down as in the original."""

    def __init__(
        self,
        corpus: Corpus,
        description: ModelDescription,
        *,
        split: str,
        stream_tokens: int,
        max_chunks: int | None = None,
        max_pairs: int | None = None,
        specials: bool = True,
        objectives: Collection[Objective] = ("mlm", "tlm"),
    ) -> None:
        self._split = split
        many = len(description.languages) > _MANY_LANGUAGES
        chunk_parts = _CHUNK_PARTS[split] if many else 1
        self.tasks = [
            Task(code, objective, partial(batches, lines, description.language_id(code),
                 stream_tokens, chunk_parts, max_chunks, specials))
            for objective, batches in _STREAM_OBJECTIVES.items()
            if objective in objectives
            for code, lines in corpus.mono.items()
            if len(lines)
        ]  # fmt: skip
        limits = [limit for limit in (max_pairs, _PAIR_LIMITS[split] if many else None) if limit]
        for pairs in corpus.pairs.values() if "tlm" in objectives else ():
            longest = description.model.max_positions - 2
            chosen = usable_pairs(pairs, longest)
            if len(chosen):
                limit = min(limits, default=None)
                batches = partial(_pair_batches, pairs, chosen, description, limit, specials)
                self.tasks.append(Task("_".join(pairs.languages), "tlm", batches))

    def measure(
        self, encoder: Encoder, numbers: Iterable[int], device: torch.device
    ) -> NDArray[np.float64]:
        """Sums of the given tasks, one row a task, zero for the others: (tasks, 4)."""
        sums = np.zeros((len(self.tasks), 4))
        training = encoder.training
        encoder.eval()
        with torch.inference_mode():
            for number in numbers:
                predicted: set[int] = set()
                for batch in self.tasks[number].batches():
                    sums[number] += _measure(encoder, batch, device, predicted)
                sums[number, DIFFERENT] = len(predicted)
        encoder.train(training)
        return sums

    @staticmethod
    def perplexity(row: NDArray[np.float64]) -> float:
        """exp of the mean loss of one task's sums; something must have been predicted."""
        return math.exp(min(row[LOSS] / row[CELLS], _LARGEST_LOG))

    @staticmethod
    def predicted_ids(sums: NDArray[np.float64]) -> int | None:
        """How many different ids were predicted in the richest task; None: nothing to predict."""
        return int(sums[:, DIFFERENT].max()) if sums[:, CELLS].any() else None

    def metrics(self, sums: NDArray[np.float64]) -> dict[str, float]:
        """Perplexities and accuracies (in %) under the original's names, and their means."""
        found: dict[str, float] = {}
        means: dict[str, list[float]] = {}
        for task, row in zip(self.tasks, sums, strict=True):
            if not row[CELLS]:
                continue
            perplexity = self.perplexity(row)
            accuracy = 100 * row[RIGHT] / row[CELLS]
            # XLM: pairs are told from languages by their name; both are masked (spec 4.4).
            kind = "clm" if task.objective == "clm" else "mlm"
            prefix = f"{self._split}_{task.name}_{kind}"
            found |= {f"{prefix}_ppl": perplexity, f"{prefix}_acc": accuracy}
            means.setdefault(f"{self._split}_{task.objective}_ppl", []).append(perplexity)
            means.setdefault(f"{self._split}_{task.objective}_acc", []).append(accuracy)
        return found | {name: sum(values) / len(values) for name, values in means.items()}


def held_out_validator(job: PretrainJob, description: ModelDescription) -> Validator:
    """Measures the valid split of what a run's objectives train on, as its config says.

    Raises:
        DataError: a split is missing, or made with another vocabulary.
    """
    config = job.pretrain
    corpus = load_corpus(
        "valid",
        mono=job.mono if {"clm", "mlm"} & set(config.objectives) else {},
        pairs=job.pairs if "tlm" in config.objectives else {},
        vocabulary_hash=description.vocabulary_hash,
    )
    return Validator(
        corpus,
        description,
        split="valid",
        stream_tokens=config.stream_tokens,
        max_chunks=config.validation_max_chunks,
        max_pairs=config.validation_max_pairs,
        specials=config.asks_for_specials,
        objectives=config.objectives,
    )


def stop_criterion(metrics: Mapping[str, float]) -> float | None:
    """Mean perplexity of the languages, masked or else causal, else of the pairs; None: no data."""
    kinds = ("valid_mlm_ppl", "valid_clm_ppl", "valid_tlm_ppl")
    return next((metrics[kind] for kind in kinds if kind in metrics), None)


def _stream_batches(
    lines: Lines,
    language_id: int,
    tokens: int,
    parts: int,
    max_chunks: int | None,
    specials: bool,
) -> Iterator[Batch]:
    random = np.random.RandomState(0)
    for tokens_BT in _chunks(lines, tokens, parts, max_chunks):
        lengths_B = np.full(len(tokens_BT), tokens)
        # Drawn row by row, as the original does with one sequence a batch.
        chosen_BT = np.concatenate(
            [_choose(random, row_1T[None], lengths_B[:1], specials) for row_1T in tokens_BT]
        )
        yield _masked(tokens_BT, np.full_like(tokens_BT, language_id), None, None, chosen_BT)


def _causal_batches(
    lines: Lines, language_id: int, tokens: int, parts: int, max_chunks: int | None, specials: bool
) -> Iterator[Batch]:
    # Every id is trained: `specials` is about masks.
    for tokens_BT in _chunks(lines, tokens, parts, max_chunks):
        languages_BT = np.full_like(tokens_BT, language_id)
        yield next_tokens(0, Inputs(tokens_BT, languages_BT, None, None))


_STREAM_OBJECTIVES: Final[Mapping[Objective, Callable[..., Iterator[Batch]]]] = {
    "clm": _causal_batches,
    "mlm": _stream_batches,
}


def _chunks(
    lines: Lines, tokens: int, parts: int, max_chunks: int | None
) -> Iterator[NDArray[np.int64]]:
    """The first chunks of a stream of one row, (B, T) at a time."""
    stream = Stream(lines, rows=1, tokens=tokens)
    chunks = max(1, len(stream) // parts)
    if max_chunks is not None:
        chunks = min(chunks, max_chunks)
    for begin in range(0, chunks, _ROWS):
        numbers = range(begin, min(begin + _ROWS, chunks))
        yield np.concatenate([stream.chunk(number) for number in numbers])


def _pair_batches(
    pairs: Pairs,
    usable: NDArray[np.int64],
    description: ModelDescription,
    limit: int | None,
    specials: bool,
) -> Iterator[Batch]:
    lengths = pair_tokens(pairs)[usable]
    chosen = usable[np.argsort(lengths, kind="stable")][:limit]
    first, second = pairs.languages
    ids = (description.language_id(first), description.language_id(second))
    random = np.random.RandomState(0)
    for begin in range(0, len(chosen), _ROWS):
        joined = join_translations(
            pairs.first.at(chosen[begin : begin + _ROWS]),
            pairs.second.at(chosen[begin : begin + _ROWS]),
            language_ids=ids,
            positions=description.model.max_positions,
        )
        chosen_BT = _choose(random, joined.tokens_BT, joined.real_BT.sum(1), specials)
        yield _masked(
            joined.tokens_BT, joined.languages_BT, joined.positions_BT, joined.real_BT, chosen_BT
        )


def _choose(
    random: np.random.RandomState,
    tokens_BT: NDArray[np.int64],
    lengths_B: NDArray[np.int64],
    specials: bool,
) -> NDArray[np.bool_]:
    """Cells to predict, (B, T); numbers are drawn time by time, as in the original's layout."""
    rows, width = tokens_BT.shape
    columns_1T = np.arange(width)[None]
    allowed_BT = (columns_1T > 0) & (columns_1T < lengths_B[:, None] - 1)
    if not specials:
        allowed_BT = allowed_BT & (tokens_BT >= FIRST_ORDINARY)
    chosen_BT: NDArray[np.bool_] = (random.rand(width, rows) <= RATE).T & allowed_BT
    for row in np.flatnonzero(~chosen_BT.any(axis=1)):
        places = np.flatnonzero(allowed_BT[row])
        if len(places):
            chosen_BT[row, places[random.randint(len(places))]] = True
    return chosen_BT


def _masked(
    tokens_BT: NDArray[np.int64],
    languages_BT: NDArray[np.int64],
    positions_BT: NDArray[np.int64] | None,
    real_BT: NDArray[np.bool_] | None,
    chosen_BT: NDArray[np.bool_],
) -> Batch:
    selected_N = np.flatnonzero(chosen_BT)
    return Batch(
        tokens_BT=np.where(chosen_BT, MASK, tokens_BT),
        languages_BT=languages_BT,
        positions_BT=positions_BT,
        real_BT=real_BT,
        step_B=np.zeros(len(tokens_BT), dtype=np.int64),
        predicted=Selected(selected_N, tokens_BT.ravel()[selected_N]),
    )


def _measure(
    encoder: Encoder, batch: Batch, device: torch.device, predicted: set[int]
) -> NDArray[np.float64]:
    tensors = to_tensors(batch, device)
    hidden_BTD = encoder(*tensors[:4], causal=batch.causal)
    scores_NV = encoder.predict(hidden_BTD.flatten(0, 1)[tensors.selected_N]).float()
    losses_N = F.cross_entropy(scores_NV, tensors.targets_N, reduction="none")
    best_N = scores_NV.argmax(1)
    predicted.update(torch.unique(best_N).tolist())
    right = (best_N == tensors.targets_N).sum().item()
    return np.array([losses_N.double().sum().item(), len(losses_N), right, 0])
