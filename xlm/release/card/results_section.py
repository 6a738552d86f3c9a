"""The results of a card: XNLI, perplexity and retrieval by language, and the front matter's copy.

Every figure stands beside what it must beat: chance, the majority class, a bag of words, the paper.
"""

from typing import Any

from xlm.display.markdown import table
from xlm.release.card.facts import RunFacts
from xlm.release.figures.draw import ACCURACY_NAME, TRAINING_NAME
from xlm.xnli.results.tables import modelling_table, xnli_table

_XNLI_TEST_ROWS = 5010
"""Of each language in XNLI 1.0."""
_TASK = {"type": "text-classification", "name": "natural language inference"}


def results_section(facts: RunFacts, *, classifier: bool) -> str:
    """Tables and plots; XNLI on the classifier's card only."""
    parts = [_xnli(facts)] if classifier else []
    parts += [_language_modelling(facts), _method(facts)]
    return "\n\n".join(part for part in parts if part)


def model_index(facts: RunFacts, name: str) -> list[dict[str, Any]]:
    """XNLI test accuracies in the form that Hugging Face lists results by."""
    kind = "xlm-sample-world" if facts.synthetic else "facebook/xnli"
    results = [
        {
            "task": dict(_TASK),  # a copy each: YAML would write aliases
            "dataset": {
                "type": kind,
                "name": _dataset_name(facts, row.test.total),
                "config": row.code,
                "split": "test",
            },
            "metrics": [
                {"type": "accuracy", "value": round(row.test.accuracy, 4), "name": "accuracy"},
            ],
        }
        for row in facts.results.languages
        if row.test
    ]
    return [{"name": name, "results": results}]


def _dataset_name(facts: RunFacts, test_rows: int) -> str:
    if facts.synthetic:
        return "sample world (synthetic)"
    if test_rows >= _XNLI_TEST_ROWS:
        return "XNLI"
    return f"XNLI, the first {test_rows:,} of {_XNLI_TEST_ROWS:,} test rows"


def _xnli(facts: RunFacts) -> str:
    found = xnli_table(facts.results, facts.task)
    if found is None:
        return f"{_capital(facts.task)} was not evaluated."
    return "\n\n".join(
        [
            f"### {found.title}",
            table(found.header, found.rows),
            _xnli_note(facts),
            f"![{_capital(facts.task)} test accuracy by language]({ACCURACY_NAME})",
        ]
    )


def _xnli_note(facts: RunFacts) -> str:
    chosen = "English" if facts.finetune.select_by == "english" else "the mean of all languages"
    note = (
        f"{_row_counts(facts)} Fine-tuned on English pairs only and tested in each language with "
        f"one model, chosen by dev accuracy in {chosen}; test sets chose nothing. "
    )
    if facts.results.collapsed:
        note = (
            "**Fine-tuning collapsed: English dev accuracy never left chance, so this classifier "
            f"has learned nothing of the task.** {note}"
        )
    if facts.synthetic:
        return note + (
            "The paper's column was measured on the real XNLI with the real model and stands here "
            "for orientation only: the synthetic task is another and far easier one."
        )
    return note + "The paper's authors chose the best model for each language separately."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _row_counts(facts: RunFacts) -> str:
    """How many rows the accuracies were measured on."""
    found = facts.results.languages
    dev = {row.dev.total for row in found if row.dev}
    test = {row.test.total for row in found if row.test}
    return f"Rows of a language: {_range(dev)} of dev, {_range(test)} of test."


def _range(numbers: set[int]) -> str:
    if not numbers:
        return "none"
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _language_modelling(facts: RunFacts) -> str:
    found = modelling_table(facts.results)
    if found is None:
        return ""
    predicted = (
        "pieces of held-out text, each from those before it"
        if facts.description.causal
        else "masked pieces of held-out text, alone or beside its English translation "
        "(*with English*)"
    )
    return "\n\n".join(
        [
            f"### {found.title}",
            table(found.header, found.rows),
            f"Perplexity is that of {predicted}; it is per piece, so it compares neither languages "
            "nor vocabularies. P@1, in per cent: how often the nearest of so many held-out "
            "*sentences* is the translation, by cosine of mean-pooled last-layer states, each "
            "language's mean subtracted (*raw*: not subtracted, mean of both ways).",
            f"![Training loss and validation perplexity]({TRAINING_NAME})",
        ]
    )


def _method(facts: RunFacts) -> str:
    """How figures were computed, in the words of the stage that did it."""
    items = [f"* *{name.replace('_', ' ')}*: {text}" for name, text in facts.results.method.items()]
    return "\n".join(["### How it was measured", "", *items]) if items else ""
