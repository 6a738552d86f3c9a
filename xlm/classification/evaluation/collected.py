"""All measurements of an evaluation as one record, with how each was made."""

from collections.abc import Mapping, Sequence
from typing import Any

from xlm.classification.evaluation.f1 import REPLICATES
from xlm.classification.evaluation.selected_models import SelectedModels
from xlm.classification.launch.jobs import EvaluateJob
from xlm.classification.results.attempts import Attempts, read_attempts
from xlm.classification.results.paper import PAPER
from xlm.classification.results.records import LanguageResults, Results, averages
from xlm.classification.task_data import training_languages
from xlm.config.languages.pairs import ENGLISH
from xlm.shards.reader import shard_kind

Fields = dict[str, Any]
"""Results of a measurement as JSON values, by field of `LanguageResults`."""
_SELECTIONS = {
    "english": "English dev accuracy",
    "training": "dev accuracy of the training languages",
    "mean": "mean dev accuracy of all languages",
}


def collect_results(
    job: EvaluateJob,
    fields: Mapping[str, Fields],
    models: SelectedModels | None,
    *,
    causal: bool,
) -> Results:
    """Join the measurements of all languages, and say how they were made.

    Args:
        job: the evaluation.
        fields: measured values by language.
        models: the selected models; None without a task.
        causal: whether the encoder attends to earlier positions only.
    """
    languages = tuple(
        LanguageResults.model_validate({"code": code, **values}) for code, values in fields.items()
    )
    training = training_languages(job.rows, job.train)
    attempts = read_attempts(job.selection) if job.selection else None
    is_xnli = any(shard_kind(path) == "xnli" for path in job.rows.values())
    return Results(
        task=job.task,
        labels=models.labels if models else (),
        training_languages=training,
        languages=languages,
        accuracies=models.accuracies() if models else (),
        published=models.published if models else "",
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
