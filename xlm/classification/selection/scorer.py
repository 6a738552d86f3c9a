"""Predicts the dev rows of every language with one fine-tuned model, in one pass."""

import logging

from xlm.bpe.vocabulary import load_vocabulary
from xlm.classification.evaluation.scoring import predict_all
from xlm.classification.launch.jobs import ScoreJob
from xlm.classification.results.records import write_predictions
from xlm.classification.selection.dev_scores import DevScore, write_dev_scores
from xlm.model.formats.ours import load_classifier
from xlm.shards.reader import has_split, read_examples
from xlm.training.launch.distributed import ProcessGroup

log = logging.getLogger(__name__)

_SPLIT = "valid"


def run_scoring(job: ScoreJob, group: ProcessGroup) -> None:
    """Write the scores and the predictions of the languages that have dev rows.

    Raises:
        DataError: model, shards and vocabulary do not fit each other.
    """
    vocabulary = load_vocabulary(job.vocabulary)
    classifier = load_classifier(job.classifier).to(group.device)
    classifier.encoder.description.require_vocabulary(vocabulary.hash, "the vocabulary artifact")
    labels = classifier.description.labels
    examples = {
        code: read_examples(path, _SPLIT, vocabulary.hash, labels)
        for code, path in sorted(job.rows.items())
        if has_split(path, _SPLIT)
    }
    predicted = predict_all(classifier, examples, device=group.device)
    scores = {}
    for code, rows in examples.items():
        correct = int((predicted[code] == rows.labels).sum())
        scores[code] = DevScore(len(rows), correct)
        log.info("%s dev: %d of %d rows", code, correct, len(rows))
        write_predictions(job.out, f"{code}.dev", labels, rows.labels, predicted[code])
    write_dev_scores(job.out, scores)
