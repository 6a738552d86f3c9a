"""The results of a card: XNLI, perplexity and retrieval by language, and the front matter's copy.

Every figure stands beside what it must beat: chance, the majority class, a bag of words, the paper.
"""

from typing import Any

from xlm.config.languages import ENGLISH, language
from xlm.release.facts import LanguageResult, RunFacts
from xlm.release.markdown import decimal, mean, per_cent, table

_TASK = {"type": "text-classification", "name": "natural language inference"}


def results_section(facts: RunFacts, *, classifier: bool) -> str:
    """Tables and plots; XNLI on the classifier's card only."""
    parts = [_xnli(facts) if classifier else "", _language_modelling(facts)]
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
                {"type": "accuracy", "value": round(row.test, 4), "name": "accuracy"},
            ],
        }
        for row in facts.results
        if row.test is not None
    ]
    return [{"name": name, "results": results}]


def _xnli(facts: RunFacts) -> str:
    rows = [row for row in facts.results if row.test is not None]
    if not rows:
        return "XNLI was not evaluated."
    confidence = f"{100 * facts.confidence:g} %"
    header = (
        "language", "dev", "test", f"{confidence} interval", "majority", "bag of words",
        "paper, MLM+TLM",
    )  # fmt: skip
    others = [row for row in rows if row.code != ENGLISH]
    cells = [(_name(row), *_xnli_cells(row)) for row in rows]
    cells += [
        (f"**mean of {len(group)}{suffix}**", *_xnli_means(group))
        for group, suffix in ((rows, ""), (others, " without English"))
        if group
    ]
    return "\n\n".join(
        [
            "### XNLI, accuracy in per cent",
            table(header, cells),
            _xnli_notes(facts),
            "![XNLI test accuracy by language](accuracy.png)",
        ]
    )


def _xnli_notes(facts: RunFacts) -> str:
    chosen = "English" if facts.finetune.select_by == "english" else "the mean of all languages"
    notes = [
        "Fine-tuned on English pairs only, tested in each language with one model, which was "
        f"chosen by dev accuracy in {chosen}; test sets chose nothing.",
        f"Intervals are Wilson's, of coverage {100 * facts.confidence:g} %. *Majority* always says "
        "the most frequent class. *Bag of words* is a linear classifier on the words of both "
        "sentences.",
    ]
    if facts.synthetic:
        notes.append(
            "The paper's column was measured on the real XNLI with the real model and stands here "
            "for orientation only: the synthetic task is another and far easier one."
        )
    else:
        notes.append("The paper's authors chose the best model for each language separately.")
    return " ".join(notes)


def _xnli_cells(row: LanguageResult) -> tuple[str, ...]:
    interval = "–"
    if row.low is not None and row.high is not None:
        interval = f"{per_cent(row.low)} to {per_cent(row.high)}"
    return (
        per_cent(row.dev), f"**{per_cent(row.test)}**", interval, per_cent(row.majority),
        per_cent(row.bag_of_words), per_cent(row.paper),
    )  # fmt: skip


def _xnli_means(rows: list[LanguageResult]) -> tuple[str, ...]:
    return (
        per_cent(mean(row.dev for row in rows)),
        f"**{per_cent(mean(row.test for row in rows))}**",
        "",
        per_cent(mean(row.majority for row in rows)),
        per_cent(mean(row.bag_of_words for row in rows)),
        per_cent(mean(row.paper for row in rows)),
    )


def _language_modelling(facts: RunFacts) -> str:
    rows = [
        row
        for row in facts.results
        if row.perplexity is not None or row.retrieval_to_english is not None
    ]
    if not rows:
        return ""
    header = ("language", "MLM perplexity", "P@1 to English", "P@1 from English")
    cells = [
        (
            _name(row),
            decimal(row.perplexity),
            per_cent(row.retrieval_to_english),
            per_cent(row.retrieval_from_english),
        )
        for row in rows
    ]
    cells.append(
        (
            "**mean**",
            decimal(mean(row.perplexity for row in rows)),
            per_cent(mean(row.retrieval_to_english for row in rows)),
            per_cent(mean(row.retrieval_from_english for row in rows)),
        )
    )
    return "\n\n".join(
        [
            "### Pretrained encoder: perplexity and sentence retrieval",
            table(header, cells),
            "Perplexity is that of masked tokens on held-out text, per piece of the vocabulary, so "
            "it compares neither languages nor vocabularies. P@1, in per cent: how often the "
            "nearest of all held-out sentences is the translation, by cosine of mean-pooled "
            "last-layer states with each language's mean subtracted.",
            "![Training loss and validation perplexity](training.png)",
        ]
    )


def _name(row: LanguageResult) -> str:
    return f"{language(row.code).name} ({row.code})"
