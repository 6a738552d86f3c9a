"""Evaluates the encoder and the classifier in every language; processes share the measurements.

run_evaluation(job, group)  # writes results.json, results.tsv and predictions to job.out
"""

import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import load_vocabulary
from xlm.classification.evaluation.baselines import BagOfWords
from xlm.classification.evaluation.collected import Fields, collect_results
from xlm.classification.evaluation.f1 import confusion_matrix
from xlm.classification.evaluation.retrieval import retrieve
from xlm.classification.evaluation.scores import scores_of
from xlm.classification.evaluation.selected_models import Predicted, SelectedModels
from xlm.classification.launch.jobs import EvaluateJob
from xlm.classification.results.paper import MLM_TLM, PAPER
from xlm.classification.results.records import (
    write_predictions,
    write_results,
)
from xlm.classification.results.tidy import write_accuracies, write_all_predictions
from xlm.classification.selection.records import read_selection
from xlm.classification.task_data import training_languages
from xlm.config.languages.pairs import ENGLISH, other_language, pivot_of, split_pair
from xlm.config.training.pretrain import Objective
from xlm.dataloader.data import load_held_out_data
from xlm.model.formats.ours import load_encoder
from xlm.shards.lines import Examples, concatenate_examples
from xlm.shards.reader import has_split, read_examples, shard_kind
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import SPEED_FILE
from xlm.training.records.json_lines import JsonLines
from xlm.training.validation import COUNT, Validator

log = logging.getLogger(__name__)


class Evaluator:
    """Makes the measurements: accuracies, perplexities and retrieval."""

    def __init__(self, job: EvaluateJob, group: ProcessGroup) -> None:
        self._job, self._config, self._device = job, job.evaluate, group.device
        vocabulary = load_vocabulary(job.vocabulary)
        self._hash, self._vocabulary_size = vocabulary.hash, vocabulary.size
        self._encoder = load_encoder(job.encoder).to(group.device)
        self.models = (
            SelectedModels(
                job, job.selection, read_selection(job.selection), self._hash, group.device
            )
            if job.selection
            else None
        )
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
        if self.models is not None:
            if training_languages(self._job.rows, self._job.train):
                found["bag of words"] = partial(self._bag_of_words, self.models.labels)
            for name, predict in self.models.measurements().items():
                found[name] = partial(self._predict, predict)
        for number, task in enumerate(self._validator.tasks):
            found[f"perplexity {task.name}"] = partial(self._perplexity, number)
        for pair in self._corpus.pairs:
            found[f"retrieval {pair}"] = partial(self._retrieval, pair)
        return found

    def task_fields(self, models: SelectedModels, code: str) -> Fields:
        """Scores in one language; its majority baseline is that of test, or else of dev.

        Also writes the predictions.
        """
        is_xnli = shard_kind(self._job.rows[code]) == "xnli"
        fields: Fields = {"paper": PAPER[MLM_TLM].get(code) if is_xnli else None}
        for field, found in (("dev", models.dev(code)), ("test", models.test(code))):
            if found is None:
                continue
            fields[field] = self._scores(found, len(models.labels))
            fields["majority"] = float(np.bincount(found.labels_N).max() / len(found.labels_N))
            write_predictions(
                self._job.out, f"{code}.{field}", models.labels, found.labels_N, found.predicted_N
            )
        return fields

    @staticmethod
    def _predict(predict: Callable[[], None]) -> dict[str, Fields]:
        predict()
        return {}

    def _bag_of_words(self, labels: Sequence[str]) -> dict[str, Fields]:
        training = training_languages(self._job.rows, self._job.train)
        model = BagOfWords.fit(
            concatenate_examples(
                [
                    # The same number of each language, so that none of them is left out.
                    self._examples(code, "train", labels).head(
                        -(-self._config.baseline_max_pairs // len(training))
                    )
                    for code in training
                ]
            ),
            vocabulary_size=self._vocabulary_size,
            labels=len(labels),
            epochs=self._config.baseline_epochs,
            seed=self._config.seed,
            limit=self._config.baseline_max_pairs,
        )
        found = {}
        for code in sorted(self._job.rows):
            for split in ("valid", "test"):
                if has_split(self._job.rows[code], split):
                    examples = self._examples(code, split, labels)
                    found[code] = {"bag_of_words": _share(model.predict(examples), examples)}
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

    def _examples(self, code: str, split: str, labels: Sequence[str]) -> Examples:
        return read_examples(self._job.rows[code], split, self._hash, labels)

    def _scores(self, found: Predicted, labels: int) -> Fields:
        confusion_CC = confusion_matrix(found.labels_N, found.predicted_N, labels)
        scores = scores_of(confusion_CC, self._config.confidence, self._config.seed)
        return scores.model_dump()


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
    if (models := evaluator.models) is not None:
        for code in sorted(job.rows):
            results.setdefault(code, {}).update(evaluator.task_fields(models, code))
        write_accuracies(job.out, models.accuracies())
        write_all_predictions(job.out, models.predictions(), models.labels)
    write_results(
        job.out, collect_results(job, results, models, causal=evaluator.description.causal)
    )


def _share(predicted: NDArray[np.int64], examples: Examples) -> float | None:
    return float((predicted == examples.labels).mean()) if len(predicted) else None


def _row_of(pair: str) -> str:
    """The row of the results of a pair: its other language, or without English the pair."""
    return other_language(pair) if ENGLISH in split_pair(pair) else pair


def _part(job: EvaluateJob, rank: int) -> Path:
    return job.scratch / f"part-{rank}.json"
