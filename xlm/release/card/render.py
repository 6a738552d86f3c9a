"""Renders the model card of a folder from what is known of its run.

    text = render_card(facts, classifier=True, parameters=318_000)

Values of the rules stand as they are, measured ones in marked places (`measured.py`).
"""

from dataclasses import dataclass
from importlib.resources import files
from string import Template

import yaml

from xlm.config.languages.pairs import ENGLISH, language
from xlm.display.markdown import table
from xlm.model.classifier import LABELS
from xlm.release.card.data_section import data_section, terms_of, terms_section
from xlm.release.card.examples import example_of, packages_note
from xlm.release.card.facts import RunFacts
from xlm.release.card.procedure_section import aids_of, procedure_section
from xlm.release.card.results_section import model_index, results_section

_TEMPLATES = files("xlm.release") / "templates"
_REAL_DATASETS = ("wikimedia/wikipedia", "facebook/xnli", "nyu-mll/multi_nli")


@dataclass(frozen=True)
class _Kind:
    """What a language model's card says by the direction in which its head predicts."""

    title: str
    pipeline: str
    tag: str
    head: str
    predicts: str
    use: str
    start: str
    limits: tuple[str, ...] = ()


_MASKED = _Kind(
    title="masked language model",
    pipeline="fill-mask",
    tag="masked-lm",
    head="tied prediction head",
    predicts="hidden pieces of text",
    use="filling masks",
    start="start_masked_lm.md",
)
_CAUSAL = _Kind(
    title="causal language model",
    pipeline="text-generation",
    tag="causal-lm",
    head="causal attention, tied prediction head",
    predicts="each piece of text from those before it",
    use="scoring and continuing text",
    start="start_causal_lm.md",
    limits=(
        "`generate` of `transformers` puts a mask behind the text, which this model never saw: "
        "take the scores at the last piece, as below.",
    ),
)


def render_card(facts: RunFacts, *, classifier: bool, parameters: int) -> str:
    """The `README.md` of the classifier's or of the language model's folder."""
    title = (
        f"{facts.release.name}, {f'{facts.task} classifier' if classifier else _kind(facts).title}"
    )
    return _template("card.md").substitute(
        front_matter=_front_matter(facts, title, classifier=classifier),
        title=title,
        summary=_summary(facts, classifier=classifier),
        notice=_notice(facts, classifier=classifier),
        details=_details(facts, classifier=classifier, parameters=parameters),
        uses=_uses(facts, classifier=classifier),
        start=_start(facts, classifier=classifier),
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
    content["pipeline_tag"] = "text-classification" if classifier else _kind(facts).pipeline
    tags = ["xlm", "multilingual", "cross-lingual"]
    tags += ["xnli", "natural-language-inference"] if classifier else [_kind(facts).tag]
    content["tags"] = [*tags, "synthetic-data"] if facts.synthetic else tags
    if not facts.synthetic:
        content["datasets"] = list(_REAL_DATASETS if classifier else _REAL_DATASETS[:1])
    if classifier and any(row.test for row in facts.results.languages):
        content["model-index"] = model_index(facts, title)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)


def _summary(facts: RunFacts, *, classifier: bool) -> str:
    description = facts.description
    layers, languages = description.model.layers, len(description.languages)
    encoder = (
        f"an XLM encoder of {layers} layer{'s' if layers > 1 else ''} for "
        f"{languages} language{'s' if languages > 1 else ''}, {_pretrained(facts)}"
    )
    if classifier:
        return (
            f"{_capital(encoder)}, fine-tuned on English pairs of sentences to say whether the "
            "first (premise) entails the second (hypothesis), contradicts it, or neither, in any "
            "of the languages."
        )
    return f"{_capital(encoder)}: predicts {_kind(facts).predicts} and gives sentence states."


def _pretrained(facts: RunFacts) -> str:
    if not facts.trained:
        return "not pretrained (no update was applied)"
    names = {"clm": "causal (CLM)", "mlm": "masked (MLM)", "tlm": "translation (TLM)"}
    return f"pretrained by {' and '.join(names[one] for one in facts.trained)} language modelling"


def _notice(facts: RunFacts, *, classifier: bool) -> str:
    if not facts.synthetic:
        return ""
    aids = aids_of(facts, classifier=classifier)
    lines = [
        "",
        "> **The language of this model is synthetic.** It learned from a small generated world: "
        "real words of real languages in sentences of a few fixed forms, written to try the "
        "pipeline, not to be used. It knows nothing of the world and no text outside of that "
        "world.",
    ]
    if aids:
        lines += [
            ">",
            f"> So small a world needs aids that are **not XLM**: {'; '.join(aids)}.",
        ]
    return "\n".join(lines) + "\n"


def _details(facts: RunFacts, *, classifier: bool, parameters: int) -> str:
    description = facts.description
    model = description.model
    names = ", ".join(f"{language(code).name} ({code})" for code in description.languages)
    head = "classifier of three labels" if classifier else _kind(facts).head
    rows = [
        ("published by", facts.release.author),
        ("kind", f"Transformer encoder, post-norm, GELU, learned positions, {head}"),
        ("languages, in the order of their ids", names),
        ("layers, units, heads", f"{model.layers}, {model.dimension}, {model.heads}"),
        ("longest input", f"{model.max_positions} tokens"),
        ("parameters", f"{parameters:,}"),
        ("vocabulary", f"{description.vocabulary_size:,} pieces, 14 special ones included"),
        ("byte-pair merges", f"{facts.merges:,}"),
        ("vocabulary hash", f"`{description.vocabulary_hash[:16]}`"),
    ]
    if classifier:
        labels = ", ".join(f"{number} {label}" for number, label in enumerate(LABELS))
        rows.append(("labels", labels))
    if facts.release.contact:
        rows.append(("questions to", facts.release.contact))
    return table(("property", "value"), rows, left=2)


def _uses(facts: RunFacts, *, classifier: bool) -> str:
    purpose = (
        "Natural language inference, and zero-shot transfer of it to the other languages."
        if classifier
        else "A start for fine-tuning in one language and use in the others; sentence states for "
        f"retrieval; {_kind(facts).use}."
    )
    limits = [
        "Every input needs its language ids (`langs`): it was never trained without them.",
        *(() if classifier else _kind(facts).limits),
        "The tokenizer of `transformers` is not quite that of XLM: for equal ids, tokenize with "
        "`xlm.text` and call `_tokenize(text, bypass_tokenizer=True)`.",
        "Text is lower-cased and loses its accents: what differs in these alone is the same to "
        "the model.",
        "It repeats what its sources say, their errors and prejudices included. Decide nothing "
        "about people with it.",
    ]
    if facts.synthetic:
        purpose = "None beyond trying the pipeline that made it and the code that loads it."
    return "\n".join([purpose, "", *(f"* {limit}" for limit in limits)])


def _start(facts: RunFacts, *, classifier: bool) -> str:
    known = facts.description.languages
    chosen = ENGLISH if ENGLISH in known else known[0]
    premise, hypothesis = example_of(chosen)
    name = "start_classifier.md" if classifier else _kind(facts).start
    code = _template(name).substitute(language=chosen, premise=premise, hypothesis=hypothesis)
    return f"{packages_note(known)}\n\n{code.rstrip()}"


def _kind(facts: RunFacts) -> _Kind:
    return _CAUSAL if facts.description.causal else _MASKED


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
