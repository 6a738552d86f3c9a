"""Renders the model card (`README.md`) of a published folder from the facts of its run.

    text = render_card(facts, classifier=True, parameters=318_000)

Measured values (time, memory, machine) are marked with `measured`, so that the cards of two equal
models can be compared without them.
"""

from dataclasses import dataclass
from importlib.resources import files
from string import Template

import yaml

from xlm.config.data.sources import MULTINLI_ID, PAWSX_ID, WIKIPEDIA_ID, XNLI_ID
from xlm.config.languages.names import name_with_code
from xlm.display.markdown import table
from xlm.release.card.data_section import data_section, sources_of, terms_of, terms_section
from xlm.release.card.examples import example_of, packages_note
from xlm.release.card.facts import RunFacts
from xlm.release.card.procedure_section import deviations_of, procedure_section
from xlm.release.card.public_tasks import PUBLIC_TASKS
from xlm.release.card.results_section import model_index, results_section

_TEMPLATES = files("xlm.release") / "templates"
_DATASETS = {
    WIKIPEDIA_ID: "wikimedia/wikipedia",
    XNLI_ID: PUBLIC_TASKS[XNLI_ID].dataset,
    MULTINLI_ID: "nyu-mll/multi_nli",
    PAWSX_ID: PUBLIC_TASKS[PAWSX_ID].dataset,
}
"""Id of a source to its name on Hugging Face, in the order of a card."""

_UNCASED = (
    "Text is lower-cased and accents are removed. The model cannot distinguish words that differ "
    "only in case or accents."
)


@dataclass(frozen=True)
class _HeadTexts:
    """The texts of a language model's card that depend on the direction of its predictions."""

    title: str
    pipeline: str
    tag: str
    head: str
    predicts: str
    use: str
    example: str
    limitations: tuple[str, ...] = ()


_MASKED = _HeadTexts(
    title="masked language model",
    pipeline="fill-mask",
    tag="masked-lm",
    head="tied prediction head",
    predicts="masked tokens",
    use="filling masks",
    example="example_masked_lm.md",
)
_CAUSAL = _HeadTexts(
    title="causal language model",
    pipeline="text-generation",
    tag="causal-lm",
    head="causal attention, tied prediction head",
    predicts="each token from the tokens before it",
    use="scoring and continuing text",
    example="example_causal_lm.md",
    limitations=(
        "`generate` of `transformers` appends a mask token, which this model was never trained "
        "with. Use the logits at the last token instead, as in the example below.",
    ),
)


def render_card(facts: RunFacts, *, classifier: bool, parameters: int) -> str:
    """Render the `README.md` of the classifier's or of the language model's folder."""
    kind = f"{facts.task} classifier" if classifier else _head_texts(facts).title
    title = f"{facts.release.name}, {kind}"
    return _template("card.md").substitute(
        front_matter=_front_matter(facts, title, classifier=classifier),
        title=title,
        summary=_summary(facts, classifier=classifier),
        notice=_notice(facts, classifier=classifier),
        details=_details(facts, classifier=classifier, parameters=parameters),
        uses=_uses(facts, classifier=classifier),
        example=_example(facts, classifier=classifier),
        data=data_section(facts, classifier=classifier),
        terms=terms_section(facts, classifier=classifier),
        procedure=procedure_section(facts, classifier=classifier),
        results=results_section(facts, classifier=classifier),
    )


def _template(name: str) -> Template:
    return Template((_TEMPLATES / name).read_text(encoding="utf-8"))


def _front_matter(facts: RunFacts, title: str, *, classifier: bool) -> str:
    terms = terms_of(facts, classifier=classifier)
    content: dict[str, object] = {
        "language": list(facts.description.languages),
        "license": terms.identifier,
    }
    if terms.identifier == "other":
        content["license_name"] = "terms-of-the-sources"
        content["license_link"] = "#licence"
    content["library_name"] = "transformers"
    content["pipeline_tag"] = "text-classification" if classifier else _head_texts(facts).pipeline
    tags = ["xlm", "multilingual", "cross-lingual"]
    task = PUBLIC_TASKS.get(facts.kind or "")
    if classifier:
        tags += task.tags if task else ()
    else:
        tags.append(_head_texts(facts).tag)
    content["tags"] = [*tags, "synthetic-data"] if facts.synthetic else tags
    units = {source.unit.partition(".")[0] for source in sources_of(facts, classifier=classifier)}
    datasets = [name for unit, name in _DATASETS.items() if unit in units]
    if datasets and not facts.synthetic:
        content["datasets"] = datasets
    if classifier and any(row.test for row in facts.results.languages):
        content["model-index"] = model_index(facts, title)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)


def _summary(facts: RunFacts, *, classifier: bool) -> str:
    description = facts.description
    languages = len(description.languages)
    encoder = (
        f"A {description.model.layers}-layer XLM encoder for "
        f"{languages} language{'s' if languages > 1 else ''}, {_pretrained(facts)}"
    )
    if classifier:
        task = PUBLIC_TASKS.get(facts.kind or "")
        purpose = f"{task.name}: {task.question}" if task else f"the task `{facts.task}`."
        return (
            f"{encoder} and fine-tuned on {facts.training_rows} for {purpose} The classifier works "
            "in all of its languages."
        )
    return (
        f"{encoder}. The model predicts {_head_texts(facts).predicts} and returns a hidden state "
        "for each token."
    )


def _pretrained(facts: RunFacts) -> str:
    if facts.is_copied:
        return "taken from another model"
    if not facts.trained:
        return "not pretrained (no update was applied)"
    names = {"clm": "causal (CLM)", "mlm": "masked (MLM)", "tlm": "translation (TLM)"}
    return f"pretrained with {' and '.join(names[one] for one in facts.trained)} language modeling"


def _notice(facts: RunFacts, *, classifier: bool) -> str:
    if not facts.synthetic:
        return ""
    deviations = deviations_of(facts, classifier=classifier)
    lines = [
        "",
        "> **This model was trained on synthetic text.** The sentences come from a small generated "
        "world: real words of real languages in a few fixed sentence patterns, made to test the "
        "pipeline. The model knows nothing about the real world and cannot process other text.",
    ]
    if deviations:
        lines += [
            ">",
            "> To learn from so little data, this run **deviates from XLM**: "
            f"{'; '.join(deviations)}.",
        ]
    return "\n".join(lines) + "\n"


def _details(facts: RunFacts, *, classifier: bool, parameters: int) -> str:
    description = facts.description
    model = description.model
    names = ", ".join(name_with_code(code, facts.names) for code in description.languages)
    labels = facts.results.labels
    head = f"classification head with {len(labels)} labels"
    if not classifier:
        head = _head_texts(facts).head
    rows = [
        ("published by", facts.release.author),
        ("architecture", f"Transformer encoder, post-norm, GELU, learned positions, {head}"),
        ("languages, by language id", names),
        ("layers, hidden size, heads", f"{model.layers}, {model.dimension}, {model.heads}"),
        ("maximum input length", f"{model.max_positions} tokens"),
        ("parameters", f"{parameters:,}"),
        ("vocabulary", f"{description.vocabulary_size:,} tokens, including 14 special tokens"),
        ("BPE merges", f"{facts.merges:,}"),
        ("vocabulary hash", f"`{description.vocabulary_hash[:16]}`"),
    ]
    if classifier:
        named = ", ".join(f"{number} {label}" for number, label in enumerate(labels))
        rows.append(("labels", named))
    if facts.release.contact:
        rows.append(("contact", facts.release.contact))
    return table(("property", "value"), rows, left=2)


def _uses(facts: RunFacts, *, classifier: bool) -> str:
    task = PUBLIC_TASKS.get(facts.kind or "")
    purpose = (
        f"{task.name.capitalize() if task else f'The task `{facts.task}`'} in "
        f"{facts.training_languages}, with zero-shot transfer to the other languages."
        if classifier
        else "Fine-tuning in one language for use in the others; sentence representations for "
        f"retrieval; {_head_texts(facts).use}."
    )
    limitations = [
        "Always pass the language ids (`langs`). The model was never trained without them.",
        *(() if classifier else _head_texts(facts).limitations),
        "The tokenizer of `transformers` differs slightly from that of XLM. To get the same ids, "
        "tokenize with `xlm.text` and call `_tokenize(text, bypass_tokenizer=True)`.",
        *([] if facts.cased else [_UNCASED]),
        "The model reproduces the errors and biases of its sources. Do not use it to make "
        "decisions about people.",
    ]
    if facts.synthetic:
        purpose = "Testing the pipeline that produced this model and the code that loads it."
    return "\n".join([purpose, "", *(f"* {limitation}" for limitation in limitations)])


def _example(facts: RunFacts, *, classifier: bool) -> str:
    known = facts.description.languages
    example = example_of(known)
    name = _head_texts(facts).example
    if classifier:
        name = "example_classifier.md" if facts.is_paired else "example_single.md"
    code = _template(name).substitute(example._asdict())
    return f"{packages_note(known, facts.segmenters)}\n\n{code.rstrip()}"


def _head_texts(facts: RunFacts) -> _HeadTexts:
    return _CAUSAL if facts.description.causal else _MASKED
