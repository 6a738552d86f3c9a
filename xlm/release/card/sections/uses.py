"""Uses of a model, and its bias, risks and limitations, with figures by language."""

from collections.abc import Sequence

from xlm.config.languages.names import name_with_code
from xlm.display.markdown import format_decimal, format_percent
from xlm.release.card.facts import RunFacts
from xlm.release.card.head_texts import head_texts
from xlm.release.card.public_tasks import PUBLIC_TASKS

_UNCASED = (
    "Text is lower-cased and accents are removed. The model cannot distinguish words that differ "
    "only in case or accents."
)
_OUT_OF_SCOPE = (
    "Decisions about people, such as in law, health, hiring or credit; facts, which the model does "
    "not know; text in languages that are not listed above."
)
_SOURCES_BIAS = (
    "The model reproduces the errors, stereotypes and biases of its sources. Wikipedia has more "
    "text on some regions, genders and topics than on others, and its size and its authors differ "
    "between languages."
)
_SYNTHETIC_BIAS = (
    "The text is generated from a small lexicon. Figures on this card say nothing about real text."
)


def uses_section(facts: RunFacts, *, classifier: bool) -> str:
    """Render direct and further uses, and uses that are out of scope."""
    task = PUBLIC_TASKS.get(facts.kind or "")
    direct = (
        f"{task.name.capitalize() if task else f'The task `{facts.task}`'} in "
        f"{facts.training_languages}, with zero-shot transfer to the other languages."
        if classifier
        else f"{head_texts(facts).use.capitalize()}; sentence representations for retrieval."
    )
    further = (
        "Further fine-tuning on labelled text of the same form."
        if classifier
        else "Fine-tuning in one language for use in the others."
    )
    if facts.synthetic:
        direct = "Testing the pipeline that produced this model and the code that loads it."
        further = "None."
    return "\n".join(
        [
            f"* **Direct use.** {direct}",
            f"* **Downstream use.** {further}",
            f"* **Out of scope.** {_OUT_OF_SCOPE}",
        ]
    )


def limitations_section(facts: RunFacts, *, classifier: bool) -> str:
    """Render what goes wrong, first by language as measured in this run, then in general."""
    limitations = [
        *([_accuracies(facts)] if classifier else _representations(facts)),
        *_text_amounts(facts),
        _SYNTHETIC_BIAS if facts.synthetic else _SOURCES_BIAS,
        "Always pass the language ids (`langs`). The model was never trained without them.",
        *(() if classifier else head_texts(facts).limitations),
        "The tokenizer of `transformers` gives other ids than those of training, without an error "
        "and in some languages for nearly every sentence. The predictions are then those of an "
        "input that the model was never trained on. [The ids of training](#the-ids-of-training) "
        "counts such sentences by language, and has the code that avoids them.",
        *([] if facts.cased else [_UNCASED]),
        "Test it on text of your own before you use it. Do not use it to make decisions about "
        "people.",
    ]
    return "\n".join(f"* {limitation}" for limitation in limitations if limitation)


def _accuracies(facts: RunFacts) -> str:
    tested = [(row.test.accuracy, row) for row in facts.results.languages if row.test]
    if len(tested) < 2:
        return ""
    ordered = sorted(tested, key=lambda found: (found[0], found[1].code))
    (low, worst), (high, best) = ordered[0], ordered[-1]
    test = worst.test
    assert test is not None
    text = (
        f"Accuracy differs between languages: from {format_percent(high)} % in "
        f"{name_with_code(best.code, facts.names)} to {format_percent(low)} % in "
        f"{name_with_code(worst.code, facts.names)} ({100 * facts.results.confidence:g} % interval "
        f"{format_percent(test.low)} to {format_percent(test.high)})."
    )
    weak = [
        row.code
        for _, row in ordered
        if row.test and row.majority is not None and row.test.low <= row.majority
    ]
    if weak:
        names = ", ".join(name_with_code(code, facts.names) for code in weak)
        where = names if len(weak) < len(ordered) else "all languages"
        text += f" It does not beat always answering the most frequent label in {where}."
    return text


def _representations(facts: RunFacts) -> list[str]:
    found = [(row.retrieval.centred, row.code) for row in facts.results.languages if row.retrieval]
    if len(found) < 2:
        return []
    (low, worst), (high, best) = min(found), max(found)
    return [
        "Representations are not equally good in all languages: sentence retrieval (P@1) finds "
        f"{format_percent(high)} % of the translations in {name_with_code(best, facts.names)}, but "
        f"{format_percent(low)} % in {name_with_code(worst, facts.names)}."
    ]


def _text_amounts(facts: RunFacts) -> Sequence[str]:
    """Which languages have the least text, and which words are split into the most tokens."""
    lines = []
    alone = [(one.tokens, one.unit) for one in facts.pretraining_data if "-" not in one.unit]
    if len(alone) > 1:
        (few, smallest), (many, largest) = min(alone), max(alone)
        lines.append(
            f"Training text is uneven: {few:,} tokens of {name_with_code(smallest, facts.names)}, "
            f"{many:,} of {name_with_code(largest, facts.names)}."
        )
    fertility = [(row.fertility, code) for code, row in facts.vocabulary.items()]
    (low, whole), (high, split) = min(fertility, default=(0, "")), max(fertility, default=(0, ""))
    if format_decimal(low) != format_decimal(high):
        lines.append(
            f"The vocabulary does not fit all languages equally: {format_decimal(high)} tokens per "
            f"word in {name_with_code(split, facts.names)}, {format_decimal(low)} in "
            f"{name_with_code(whole, facts.names)}."
        )
    return lines
