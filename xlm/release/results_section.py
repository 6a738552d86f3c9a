"""The results of a card: XNLI, perplexity and retrieval by language, and the front matter's copy.

Every figure stands beside what it must beat: chance, the majority class, a bag of words, the paper.
"""

from collections.abc import Sequence
from typing import Any

from xlm.config.languages import ENGLISH, language
from xlm.release.facts import RunFacts
from xlm.release.figures import ACCURACY_NAME, TRAINING_NAME
from xlm.release.markdown import decimal, mean, per_cent, table
from xlm.xnli.results import LanguageResults

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
    rows = [row for row in facts.results.languages if row.test]
    if not rows:
        return "XNLI was not evaluated."
    interval = f"{100 * facts.results.confidence:g} % interval"
    header = ("language", "dev", "test", interval, "majority", "bag of words", "paper, MLM+TLM")
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


def _xnli_cells(row: LanguageResults) -> tuple[str, ...]:
    dev, test = row.dev, row.test
    return (
        per_cent(dev.accuracy if dev else None),
        f"**{per_cent(test.accuracy)}**" if test else "–",
        f"{per_cent(test.low)} to {per_cent(test.high)}" if test else "–",
        per_cent(row.majority),
        per_cent(row.bag_of_words),
        per_cent(row.paper),
    )


def _xnli_means(rows: Sequence[LanguageResults]) -> tuple[str, ...]:
    return (
        per_cent(mean(row.dev.accuracy for row in rows if row.dev)),
        f"**{per_cent(mean(row.test.accuracy for row in rows if row.test))}**",
        "",
        per_cent(mean(row.majority for row in rows)),
        per_cent(mean(row.bag_of_words for row in rows)),
        per_cent(mean(row.paper for row in rows)),
    )


def _language_modelling(facts: RunFacts) -> str:
    rows = [row for row in facts.results.languages if row.perplexity is not None or row.retrieval]
    if not rows:
        return ""
    header = ("language", "perplexity", "with English", "P@1 to English", "P@1 from English", "raw")
    cells = [(_name(row), *_modelling_cells(row)) for row in rows]
    found = [row.retrieval for row in rows if row.retrieval]
    cells.append(
        (
            "**mean**",
            decimal(mean(row.perplexity for row in rows)),
            decimal(mean(row.pair_perplexity for row in rows)),
            per_cent(mean(figures.centred_to_english for figures in found)),
            per_cent(mean(figures.centred_from_english for figures in found)),
            per_cent(mean(figures.raw for figures in found)),
        )
    )
    return "\n\n".join(
        [
            "### Pretrained encoder: perplexity and sentence retrieval",
            table(header, cells),
            "Perplexity is that of masked pieces of held-out text, alone or beside its English "
            "translation (*with English*); it is per piece, so it compares neither languages nor "
            "vocabularies. P@1, in per cent: how often the nearest of all held-out sentences is "
            "the translation, by cosine of mean-pooled last-layer states, each language's mean "
            "subtracted (*raw*: not subtracted, mean of both ways).",
            f"![Training loss and validation perplexity]({TRAINING_NAME})",
        ]
    )


def _modelling_cells(row: LanguageResults) -> tuple[str, ...]:
    figures = row.retrieval
    return (
        decimal(row.perplexity),
        decimal(row.pair_perplexity),
        per_cent(figures.centred_to_english if figures else None),
        per_cent(figures.centred_from_english if figures else None),
        per_cent(figures.raw if figures else None),
    )


def _method(facts: RunFacts) -> str:
    """How figures were computed, in the words of the stage that did it."""
    items = [f"* *{name.replace('_', ' ')}*: {text}" for name, text in facts.results.method.items()]
    return "\n".join(["### How it was measured", "", *items]) if items else ""


def _name(row: LanguageResults) -> str:
    return f"{language(row.code).name} ({row.code})"
