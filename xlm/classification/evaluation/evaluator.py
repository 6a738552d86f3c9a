"""Evaluates the encoder and the classifier in every language; processes share the measurements.

run_evaluation(job, group)  # writes results.json and xnli.tsv to job.out
"""

import json
import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import load_vocabulary
from xlm.classification.evaluation.baselines import BagOfWords, majority_label
from xlm.classification.evaluation.intervals import wilson_interval
from xlm.classification.evaluation.retrieval import retrieve
from xlm.classification.evaluation.scoring import predict
from xlm.classification.launch.jobs import EvaluateJob
from xlm.classification.results.paper import MLM_TLM, PAPER
from xlm.classification.results.records import (
    Accuracy,
    LanguageResults,
    Results,
    averages,
    write_results,
)
from xlm.config.languages.pairs import ENGLISH, other_language, pivot_of, split_pair
from xlm.config.training.pretrain import Objective
from xlm.dataloader.data import load_held_out_data
from xlm.model.formats.ours import load_classifier, load_encoder
from xlm.shards.lines import NliPairs
from xlm.shards.reader import read_nli_pairs
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import SPEED_FILE
from xlm.training.records.json_lines import JsonLines
from xlm.training.validation import COUNT, Validator

log = logging.getLogger(__name__)

Fields = dict[str, Any]
"""Results of a measurement as JSON values, by field of `LanguageResults`."""


class Evaluator:
    """Makes the measurements: accuracies, perplexities and retrieval."""

    def __init__(self, job: EvaluateJob, group: ProcessGroup) -> None:
        self._job, self._config, self._device = job, job.evaluate, group.device
        vocabulary = load_vocabulary(job.vocabulary)
        self._hash, self._vocabulary_size = vocabulary.hash, vocabulary.size
        self._encoder = load_encoder(job.encoder).to(group.device)
        self._classifier = load_classifier(job.classifier).to(group.device)
        self.description = self._encoder.description
        self.description.require_vocabulary(vocabulary.hash, "the vocabulary artifact")
        self._corpus = load_held_out_data(
            "test", mono=job.mono, pairs=job.pairs, vocabulary_hash=vocabulary.hash
        )
        causal = self.description.causal
        objectives: tuple[Objective, ...] = ("clm",) if causal else ("mlm", "tlm")
        self._validator = Validator(
            self._corpus,
            self.description,
            split="test",
            stream_tokens=job.stream_tokens,
            max_chunks=self._config.perplexity_max_chunks,
            max_pairs=self._config.perplexity_max_pairs,
            predict_special_tokens=job.specials,
            objectives=objectives,
        )

    def measurements(self) -> dict[str, Callable[[], dict[str, Fields]]]:
        """All measurements by name; each returns fields of the results by language."""
        found: dict[str, Callable[[], dict[str, Fields]]] = {}
        if ENGLISH in self._job.xnli:
            found["bag of words"] = self._bag_of_words
        for code in sorted(self._job.xnli):
            found[f"xnli {code}"] = partial(self._xnli, code)
        for number, task in enumerate(self._validator.tasks):
            found[f"perplexity {task.name}"] = partial(self._perplexity, number)
        for pair in self._corpus.pairs:
            found[f"retrieval {pair}"] = partial(self._retrieval, pair)
        return found

    def _xnli(self, code: str) -> dict[str, Fields]:
        fields: Fields = {"paper": PAPER[MLM_TLM].get(code)}
        for field, split in (("dev", "valid"), ("test", "test")):
            pairs = self._nli_pairs(code, split)
            language_id = self.description.language_id(code)
            labels = predict(self._classifier, pairs, language_id=language_id, device=self._device)
            fields[field] = self._accuracy(labels, pairs)
            fields["majority"] = _share(np.full(len(labels), majority_label(pairs)), pairs)
        return {code: fields}

    def _bag_of_words(self) -> dict[str, Fields]:
        model = BagOfWords.fit(
            self._nli_pairs(ENGLISH, "train"),
            vocabulary_size=self._vocabulary_size,
            epochs=self._config.baseline_epochs,
            seed=self._config.seed,
            limit=self._config.baseline_max_pairs,
        )
        found = {}
        for code in sorted(self._job.xnli):
            pairs = self._nli_pairs(code, "test")
            found[code] = {"bag_of_words": _share(model.predict(pairs), pairs)}
        return found

    def _perplexity(self, number: int) -> dict[str, Fields]:
        task = self._validator.tasks[number]
        sums = self._validator.measure(self._encoder, [number], self._device)
        if not sums[number, COUNT]:
            return {}
        perplexity = self._validator.perplexity(sums[number])
        if task.objective != "tlm":
            return {task.name: {"perplexity": perplexity}}
        return {_row_of(task.unit): {"pair_perplexity": perplexity}}

    def _retrieval(self, pair: str) -> dict[str, Fields]:
        retrieval = retrieve(
            self._encoder,
            self._corpus.pairs[pair],
            pivot=pivot_of(pair),
            limit=self._config.retrieval_pairs,
            device=self._device,
        )
        if retrieval is None:
            return {}
        return {_row_of(pair): {"retrieval": retrieval.model_dump()}}

    def _nli_pairs(self, code: str, split: str) -> NliPairs:
        return read_nli_pairs(self._job.xnli[code], split, self._hash)

    def _accuracy(self, labels: NDArray[np.int64], pairs: NliPairs) -> Fields | None:
        total, right = len(labels), int((labels == pairs.labels).sum())
        if not total:
            return None
        low, high = wilson_interval(right, total, self._config.confidence)
        accuracy = Accuracy(accuracy=right / total, right=right, total=total, low=low, high=high)
        return accuracy.model_dump()


def run_evaluation(job: EvaluateJob, group: ProcessGroup) -> None:
    """Make the measurements of this process; the main process collects all and writes the files."""
    evaluator = Evaluator(job, group)
    measurements = list(evaluator.measurements().items())
    ours = measurements[group.rank :: group.world_size]
    lines = JsonLines(job.logs / SPEED_FILE) if group.is_main_process else None
    found: list[dict[str, Fields]] = []
    for number, (name, measure) in enumerate(ours, start=1):
        found.append(measure())
        log.info("%s measured", name)
        if lines:
            lines.append({"step": number, "total": len(ours), "note": name})
    _part(job, group.rank).write_text(json.dumps(found), encoding="utf-8")
    group.barrier()
    if not group.is_main_process:
        return
    parts = [
        json.loads(_part(job, rank).read_text(encoding="utf-8")) for rank in range(group.world_size)
    ]
    results: dict[str, Fields] = {code: {} for code in evaluator.description.languages}
    for part in parts:
        for by_language in part:
            for code, values in by_language.items():
                results.setdefault(code, {}).update(values)
    causal = evaluator.description.causal
    write_results(job.out, _results(job, results, causal=causal))


def _results(job: EvaluateJob, fields: Mapping[str, Fields], *, causal: bool) -> Results:
    languages = tuple(
        LanguageResults.model_validate({"code": code, **values}) for code, values in fields.items()
    )
    attempts = json.loads((job.classifier / "attempts.json").read_text(encoding="utf-8"))
    selection = {"english": "English dev accuracy", "mean": "mean dev accuracy of all languages"}
    return Results(
        languages=languages,
        averages=averages(languages),
        confidence=job.evaluate.confidence,
        selected_by=selection[attempts["selected_by"]],
        collapsed=attempts["attempts"][attempts["kept_restart"]]["collapsed"],
        published_row={name: dict(row) for name, row in PAPER.items()},
        method={
            "xnli": "one model, fine-tuned on English pairs, chosen by "
            f"{selection[attempts['selected_by']]}; language id of the tested language",
            "intervals": f"Wilson, coverage {job.evaluate.confidence:g}",
            "majority": "commonest label of the language's own test rows",
            "bag_of_words": "logistic regression on premise and hypothesis word counts, "
            "fitted to English pairs, applied to each language's words",
            "paper": "XNLI test accuracy of the paper, zero-shot MLM+TLM, whole test set",
            "perplexity": _perplexity_method(job, causal=causal),
            "retrieval": "pretrained encoder, mean of last-layer states"
            + (", each of what is before it" if causal else "")
            + ", cosine, distinct held-out pairs, both ways; centred: mean of each language "
            "subtracted",
        },
    )


def _perplexity_method(job: EvaluateJob, *, causal: bool) -> str:
    if causal:
        return "held-out text, each token from those before it, pretrained encoder"
    return (
        "masked tokens of held-out text: 15 % of tokens, always replaced by the mask, "
        "RandomState(0), pretrained encoder; </s> and <unk> "
        + ("counted" if job.specials else "left out, as training never selects them")
    )


def _share(labels: NDArray[np.int64], pairs: NliPairs) -> float | None:
    return float((labels == pairs.labels).mean()) if len(labels) else None


def _row_of(pair: str) -> str:
    """The row of the results of a pair: its other language, or without English the pair."""
    return other_language(pair) if ENGLISH in split_pair(pair) else pair


def _part(job: EvaluateJob, rank: int) -> Path:
    return job.scratch / f"part-{rank}.json"
