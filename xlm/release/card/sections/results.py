"""The evaluation results on a card: the task, perplexity and retrieval by language.

Accuracies are shown with their baselines (majority class, bag of words) and the paper's.
"""

from collections.abc import Sequence
from typing import Any

from xlm.classification.results.seeds import MEAN
from xlm.classification.results.sweep_tables import (
    RULES_NOTE,
    group_name,
    sweep_groups,
    sweep_tables,
)
from xlm.classification.results.table import Table, task_name
from xlm.classification.results.tables import (
    confusion_note,
    confusion_table,
    confusion_tables,
    modelling_table,
    pairs_table,
    task_table,
)
from xlm.display.markdown import format_percent, table
from xlm.release.card.facts import RunFacts
from xlm.release.card.public_tasks import PUBLIC_TASKS
from xlm.release.figures.draw import ACCURACY_NAME, TRAINING_NAME

_XNLI_TEST_PAIRS = 5010
"""Test pairs of each language in XNLI 1.0."""


def results_section(facts: RunFacts, *, classifier: bool) -> str:
    """Render tables and plots; the task is on the classifier's card only."""
    parts = [_task(facts)] if classifier else []
    parts += [_language_modelling(facts), _method(facts)]
    return "\n\n".join(part for part in parts if part)


def model_index(facts: RunFacts, name: str) -> list[dict[str, Any]]:
    """Return the test scores as `model-index` metadata of Hugging Face."""
    known = PUBLIC_TASKS.get(facts.kind or "")
    is_synthetic = facts.synthetic and facts.kind == "xnli"
    dataset = "xlm-sample-world" if is_synthetic else known.dataset if known else facts.task
    task = {"type": "text-classification", "name": known.name if known else facts.task}
    results = [
        {
            "task": dict(task),  # a copy for each result, else YAML writes aliases
            "dataset": {
                "type": dataset,
                "name": _dataset_name(facts, row.test.total),
                "config": row.code,
                "split": "test",
            },
            "metrics": [
                {"type": kind, "value": round(value, 4), "name": name}
                for kind, name, value in (
                    ("accuracy", "accuracy", row.test.accuracy),
                    ("f1", "macro-F1", row.test.macro_f1),
                )
                if value is not None
            ],
        }
        for row in facts.results.languages
        if row.test
    ]
    return [{"name": name, "results": results}]


def _dataset_name(facts: RunFacts, test_pairs: int) -> str:
    if facts.kind != "xnli":
        known = PUBLIC_TASKS.get(facts.kind or "")
        return known.title if known else facts.task
    if facts.synthetic:
        return "sample world (synthetic)"
    if test_pairs >= _XNLI_TEST_PAIRS:
        return "XNLI"
    return f"XNLI, the first {test_pairs:,} of {_XNLI_TEST_PAIRS:,} test pairs"


def _task(facts: RunFacts) -> str:
    found = task_table(facts.results, facts.names)
    if found is None:
        return f"{task_name(facts.task)} was not evaluated."
    parts = [
        f"### {found.title}",
        table(found.header, found.rows),
        _task_note(facts),
        f"![{task_name(facts.task)} accuracy by language]({ACCURACY_NAME})",
    ]
    parts += _sweep(facts)
    if confusions := confusion_table(facts.results):
        parts += [
            f"### {confusions.title}",
            table(confusions.header, confusions.rows),
            "Rows of all languages, by label and by predicted label.",
            *_folded(confusion_tables(facts.results, facts.names), "The same by language"),
        ]
    elif note := confusion_note(facts.results.labels, "`results.json` of the run's stage evaluate"):
        parts.append(note)
    return "\n\n".join(parts)


def _sweep(facts: RunFacts) -> list[str]:
    """Accuracies over seeds by setting and rule, and the cells of the sweep."""
    found = sweep_tables(facts.results, facts.names)
    if not found:
        return []
    intervals = (
        " Each seed repeats the whole procedure, so the intervals (Student) show what another seed "
        "could change."
        if _seeds(facts) > 1
        else ""
    )
    overview, *others = found
    return [
        f"### {overview.title}",
        table(overview.header, overview.rows),
        f"{RULES_NOTE}{intervals}",
        *_folded(others, "By language, and all cells of the sweep"),
    ]


def _folded(tables: Sequence[Table], summary: str) -> list[str]:
    """Tables that a reader opens by a click."""
    if not tables:
        return []
    shown = [part for one in tables for part in (f"**{one.title}**", table(one.header, one.rows))]
    return [f"<details><summary>{summary}</summary>", *shown, "</details>"]


def _seeds(facts: RunFacts) -> int:
    return len({row.seed for row in facts.results.accuracies})


def _selection(facts: RunFacts) -> str:
    """What the published model was selected from, and what its procedure reaches over seeds."""
    cells = {row.cell for row in facts.results.accuracies if row.setting == "zero-shot"}
    if len(cells) < 2:
        return ""
    seeds = _seeds(facts)
    text = (
        f"It is the best of {len(cells)} models that were fine-tuned with other learning rates, "
        f"batch sizes or seeds ({seeds} seed{'s' if seeds > 1 else ''}). "
    )
    rule = "mean" if facts.finetune and facts.finetune.select_by == "mean" else "training"
    groups = sweep_groups(facts.results)
    for group, found in groups.items():
        overall = found[-1]
        if group[0] == "zero-shot" and rule in group[1] and overall.low is not None:
            named = "in the mean of the languages" if overall.language == MEAN else "in test"
            text += (
                f"Over {len(overall.by_seed)} seeds, this selection "
                f"({group_name(group, groups, facts.results.training_languages)}) reaches "
                f"{format_percent(overall.mean)} {named}, with an interval from "
                f"{format_percent(overall.low)} to {format_percent(overall.high)}. "
            )
    return text


def _task_note(facts: RunFacts) -> str:
    by_mean = facts.finetune is not None and facts.finetune.select_by == "mean"
    chosen = "the mean of all languages" if by_mean else facts.training_languages
    note = (
        f"{_row_counts(facts)} The model was fine-tuned on {facts.training_rows} only. It was "
        f"selected by dev accuracy in {chosen}; test sets were not used for selection. "
        f"{_selection(facts)}"
    )
    if facts.results.collapsed:
        note = (
            f"**Fine-tuning collapsed: dev accuracy in {facts.training_languages} stayed at "
            f"chance, so this classifier has not learned the task.** {note}"
        )
    if facts.kind != "xnli":
        return note.rstrip()
    if facts.synthetic:
        return note + (
            "The paper's column is for the real XNLI and the full-size model. It is shown for "
            "orientation only: the synthetic task is different and far easier."
        )
    return note + "The paper selected the best model for each language separately."


def _row_counts(facts: RunFacts) -> str:
    """Say how many rows the accuracies were measured on."""
    found = facts.results.languages
    dev = {row.dev.total for row in found if row.dev}
    test = {row.test.total for row in found if row.test}
    rows = "Pairs" if facts.is_paired else "Sentences"
    return f"{rows} per language: {_range(dev)} in dev, {_range(test)} in test."


def _range(numbers: set[int]) -> str:
    if not numbers:
        return "none"
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _language_modelling(facts: RunFacts) -> str:
    shown = [modelling_table(facts.results, facts.names), pairs_table(facts.results)]
    found = [one for one in shown if one]
    if not found:
        return ""
    predicted = "masked tokens of held-out text"
    if facts.description.causal:
        predicted = "the tokens of held-out text, each predicted from the tokens before it"
    elif any("with English" in one.header for one in found):
        predicted += ", alone or with the English translation as context (*with English*)"
    note = (
        f"Perplexity is measured on {predicted}. It is per token, so it is not comparable "
        "between languages or vocabularies."
    )
    if any(row.retrieval for row in facts.results.languages):
        note += (
            " P@1 is the percentage of held-out *sentences* "
            "for which the nearest neighbour is the translation, by cosine similarity of "
            "mean-pooled last-layer states, after the mean of each language is subtracted (*raw*: "
            "without subtraction, average of both directions)."
        )
    return "\n\n".join(
        [
            *(text for one in found for text in (f"### {one.title}", table(one.header, one.rows))),
            note,
            f"![Training loss and validation perplexity]({TRAINING_NAME})",
        ]
    )


def _method(facts: RunFacts) -> str:
    """Quote how the evaluate stage computed each figure."""
    items = [f"* *{name.replace('_', ' ')}*: {text}" for name, text in facts.results.method.items()]
    return "\n".join(["### How it was measured", "", *items]) if items else ""
