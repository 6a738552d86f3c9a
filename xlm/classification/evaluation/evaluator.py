"""Evaluates the encoder and the classifier in every language; processes share the measurements.

run_evaluation(job, group)  # writes results.json, results.tsv and predictions to job.out
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.vocabulary import load_vocabulary
from xlm.classification.evaluation.baselines import BagOfWords, majority_label
from xlm.classification.evaluation.f1 import REPLICATES, confusion_matrix
from xlm.classification.evaluation.retrieval import retrieve
from xlm.classification.evaluation.scores import scores_of
from xlm.classification.evaluation.scoring import predict
from xlm.classification.launch.jobs import EvaluateJob
from xlm.classification.results.attempts import Attempts, read_attempts
from xlm.classification.results.paper import MLM_TLM, PAPER
from xlm.classification.results.records import (
    LanguageResults,
    Results,
    averages,
    write_predictions,
    write_results,
)
from xlm.classification.task_data import training_languages
from xlm.config.languages.pairs import ENGLISH, other_language, pivot_of, split_pair
from xlm.config.training.pretrain import Objective
from xlm.dataloader.data import load_held_out_data
from xlm.model.classifier import Classifier
from xlm.model.formats.description import read_description
from xlm.model.formats.ours import load_classifier, load_encoder
from xlm.shards.lines import Examples, concatenate_examples
from xlm.shards.reader import has_split, read_examples, shard_kind
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import SPEED_FILE
from xlm.training.records.json_lines import JsonLines
from xlm.training.validation import COUNT, Validator

log = logging.getLogger(__name__)

Fields = dict[str, Any]
"""Results of a measurement as JSON values, by field of `LanguageResults`."""
_MEASURED = {"dev": "valid", "test": "test"}
"""Field of `LanguageResults` to split."""
_SELECTIONS = {
    "english": "English dev accuracy",
    "training": "dev accuracy of the training languages",
    "mean": "mean dev accuracy of all languages",
}


class Evaluator:
    """Makes the measurements: accuracies, perplexities and retrieval."""

    def __init__(self, job: EvaluateJob, group: ProcessGroup) -> None:
        self._job, self._config, self._device = job, job.evaluate, group.device
        vocabulary = load_vocabulary(job.vocabulary)
        self._hash, self._vocabulary_size = vocabulary.hash, vocabulary.size
        self._encoder = load_encoder(job.encoder).to(group.device)
        self._classifier = (
            load_classifier(job.classifier).to(group.device) if job.classifier else None
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
        if self._classifier is not None:
            if training_languages(self._job.rows, self._job.train):
                found["bag of words"] = partial(self._bag_of_words, self._classifier)
            for code in sorted(self._job.rows):
                found[f"task {code}"] = partial(self._task, code, self._classifier)
        for number, task in enumerate(self._validator.tasks):
            found[f"perplexity {task.name}"] = partial(self._perplexity, number)
        for pair in self._corpus.pairs:
            found[f"retrieval {pair}"] = partial(self._retrieval, pair)
        return found

    def _task(self, code: str, classifier: Classifier) -> dict[str, Fields]:
        """Scores in one language; its baselines are those of test, or else of dev."""
        is_xnli = shard_kind(self._job.rows[code]) == "xnli"
        fields: Fields = {"paper": PAPER[MLM_TLM].get(code) if is_xnli else None}
        names = classifier.description.labels
        for field, split in _MEASURED.items():
            if not has_split(self._job.rows[code], split):
                continue
            examples = self._examples(code, split, classifier)
            language_id = self.description.language_id(code)
            predicted = predict(classifier, examples, language_id=language_id, device=self._device)
            fields[field] = self._scores(predicted, examples, len(names))
            fields["majority"] = _share(np.full(len(examples), majority_label(examples)), examples)
            write_predictions(self._job.out, f"{code}.{field}", names, examples.labels, predicted)
        return {code: fields}

    def _bag_of_words(self, classifier: Classifier) -> dict[str, Fields]:
        training = training_languages(self._job.rows, self._job.train)
        model = BagOfWords.fit(
            concatenate_examples(
                [
                    # The same number of each language, so that none of them is left out.
                    self._examples(code, "train", classifier).head(
                        -(-self._config.baseline_max_pairs // len(training))
                    )
                    for code in training
                ]
            ),
            vocabulary_size=self._vocabulary_size,
            labels=len(classifier.description.labels),
            epochs=self._config.baseline_epochs,
            seed=self._config.seed,
            limit=self._config.baseline_max_pairs,
        )
        found = {}
        for code in sorted(self._job.rows):
            for split in _MEASURED.values():
                if has_split(self._job.rows[code], split):
                    examples = self._examples(code, split, classifier)
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

    def _examples(self, code: str, split: str, classifier: Classifier) -> Examples:
        labels = classifier.description.labels
        return read_examples(self._job.rows[code], split, self._hash, labels)

    def _scores(
        self, predicted: NDArray[np.int64], examples: Examples, labels: int
    ) -> Fields | None:
        if not len(examples):
            return None
        confusion_CC = confusion_matrix(examples.labels, predicted, labels)
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
    causal = evaluator.description.causal
    write_results(job.out, _results(job, results, causal=causal))


def _results(job: EvaluateJob, fields: Mapping[str, Fields], *, causal: bool) -> Results:
    languages = tuple(
        LanguageResults.model_validate({"code": code, **values}) for code, values in fields.items()
    )
    training = training_languages(job.rows, job.train)
    attempts = read_attempts(job.classifier) if job.classifier else None
    is_xnli = any(shard_kind(path) == "xnli" for path in job.rows.values())
    return Results(
        task=job.task,
        labels=read_description(job.classifier).labels if job.classifier else (),
        training_languages=training,
        languages=languages,
        averages=averages(languages, training),
        confidence=job.evaluate.confidence,
        selected_by=_SELECTIONS[attempts.selected_by] if attempts else "",
        collapsed=bool(attempts and attempts.kept["collapsed"]),
        published_row={name: dict(row) for name, row in PAPER.items()} if is_xnli else {},
        method={
            **(_task_method(job, training, attempts, is_xnli=is_xnli) if attempts else {}),
            "perplexity": _perplexity_method(job, causal=causal),
            "retrieval": "pretrained encoder, mean of last-layer states"
            + (", each of what is before it" if causal else "")
            + ", cosine, distinct held-out pairs, both ways; centred: mean of each language "
            "subtracted",
        },
    )


def _task_method(
    job: EvaluateJob, training: Sequence[str], attempts: Attempts, *, is_xnli: bool
) -> dict[str, str]:
    named = "English" if list(training) == [ENGLISH] else " ".join(training)
    confidence = f"coverage {job.evaluate.confidence:g}"
    method = {
        "accuracy": f"one model, fine-tuned on training rows in {named}, chosen by "
        f"{_SELECTIONS[attempts.selected_by]}; language id of the tested language",
        "intervals": f"of accuracy: Wilson; of macro-F1: percentile bootstrap of the rows, "
        f"{REPLICATES:,} samples; {confidence}",
        "macro_F1": "mean F1 of the labels that occur or are predicted",
        "majority": "most frequent label of the language's own test rows",
        "bag_of_words": "logistic regression on the word counts of each sentence, fitted to the "
        f"training rows in {named}, applied to each language's words",
    }
    if is_xnli:
        method["paper"] = "XNLI test accuracy of the paper, zero-shot MLM+TLM, whole test set"
    return method


def _perplexity_method(job: EvaluateJob, *, causal: bool) -> str:
    if causal:
        return "held-out text, each token from those before it, pretrained encoder"
    return (
        "masked tokens of held-out text: 15 % of tokens, always replaced by the mask, "
        "RandomState(0), pretrained encoder; </s> and <unk> "
        + ("counted" if job.specials else "left out, as training never selects them")
    )


def _share(predicted: NDArray[np.int64], examples: Examples) -> float | None:
    return float((predicted == examples.labels).mean()) if len(predicted) else None


def _row_of(pair: str) -> str:
    """The row of the results of a pair: its other language, or without English the pair."""
    return other_language(pair) if ENGLISH in split_pair(pair) else pair


def _part(job: EvaluateJob, rank: int) -> Path:
    return job.scratch / f"part-{rank}.json"
