"""The results of a card: XNLI, perplexity and retrieval by language, and the front matter's copy.

Every figure stands beside what it must beat: chance, the majority class, a bag of words, the paper.
"""

from typing import Any

from xlm.markdown import table
from xlm.release.facts import RunFacts
from xlm.release.figures import ACCURACY_NAME, TRAINING_NAME
from xlm.xnli.tables import modelling_table, xnli_table

_TASK = {"type": "text-classification", "name": "natural language inference"}


def results_section(facts: RunFacts, *, classifier: bool) -> str:
    """Tables and plots; XNLI on the classifier's card only."""
    parts = [_xnli(facts)] if classifier else []
    parts += [_language_modelling(facts), _method(facts)]
    return "\n\n".join(part for part in parts if part)


def model_index(facts: RunFacts, name: str) -> list[dict[str, Any]]:
    """XNLI test accuracies in the form that Hugging Face lists results by."""
    dataset = "sample world (synthetic)" if facts.synthetic else "XNLI"
    kind = "xlm-sample-world" if facts.synthetic else "facebook/xnli"
    results = [
        {
            "task": dict(_TASK),  # a copy each: YAML would write aliases
            "dataset": {"type": kind, "name": dataset, "config": row.code, "split": "test"},
            "metrics": [
                {"type": "accuracy", "value": round(row.test.accuracy, 4), "name": "accuracy"},
            ],
        }
        for row in facts.results.languages
        if row.test
    ]
    return [{"name": name, "results": results}]


def _xnli(facts: RunFacts) -> str:
    found = xnli_table(facts.results)
    if found is None:
        return "XNLI was not evaluated."
    return "\n\n".join(
        [
            f"### {found.title}",
            table(found.header, found.rows),
            _xnli_note(facts),
            f"![XNLI test accuracy by language]({ACCURACY_NAME})",
        ]
    )


def _xnli_note(facts: RunFacts) -> str:
    chosen = "English" if facts.finetune.select_by == "english" else "the mean of all languages"
    note = (
        "Fine-tuned on English pairs only and tested in each language with one model, chosen by "
        f"dev accuracy in {chosen}; test sets chose nothing. "
    )
    if facts.synthetic:
        return note + (
            "The paper's column was measured on the real XNLI with the real model and stands here "
            "for orientation only: the synthetic task is another and far easier one."
        )
    return note + "The paper's authors chose the best model for each language separately."


def _language_modelling(facts: RunFacts) -> str:
    found = modelling_table(facts.results)
    if found is None:
        return ""
    return "\n\n".join(
        [
            f"### {found.title}",
            table(found.header, found.rows),
            "Perplexity is that of masked pieces of held-out text, alone or beside its English "
            "translation (*with English*); it is per piece, so it compares neither languages nor "
            "vocabularies. P@1, in per cent: how often the nearest of all held-out sentences is "
            "the translation, by cosine of mean-pooled last-layer states, each language's mean "
            "subtracted (*raw*: not subtracted, mean of both ways).",
            f"![Training loss and validation perplexity]({TRAINING_NAME})",
        ]
    )


def _method(facts: RunFacts) -> str:
    """How figures were computed, in the words of the stage that did it."""
    items = [f"* *{name.replace('_', ' ')}*: {text}" for name, text in facts.results.method.items()]
    return "\n".join(["### How it was measured", "", *items]) if items else ""
