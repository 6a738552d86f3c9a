"""Renders the model card (`README.md`) of a published folder from the facts of its run.

    text = render_card(facts, classifier=True, parameters=318_000)

Measured values (time, memory, machine) are marked with `measured`, so that the cards of two equal
models can be compared without them.
"""

from importlib.resources import files
from string import Template

from xlm.config.training.release import revision_name
from xlm.release.card.examples import example_of, packages_note
from xlm.release.card.facts import RunFacts
from xlm.release.card.front_matter import front_matter
from xlm.release.card.head_texts import head_texts
from xlm.release.card.public_tasks import PUBLIC_TASKS
from xlm.release.card.references import reference_list
from xlm.release.card.sections.data import data_section, sources_of, terms_section
from xlm.release.card.sections.environment import environment_section
from xlm.release.card.sections.model import (
    authors_section,
    details_section,
    specifications_section,
)
from xlm.release.card.sections.procedure import deviations_of, procedure_section
from xlm.release.card.sections.results import results_section
from xlm.release.card.sections.uses import limitations_section, uses_section

_TEMPLATES = files("xlm.release") / "templates"


def render_card(facts: RunFacts, *, classifier: bool, parameters: int) -> str:
    """Render the `README.md` of the classifier's or of the language model's folder."""
    kind = f"{facts.task} classifier" if classifier else head_texts(facts).title
    title = f"{facts.release.name}, {kind}"
    return _template("card.md").substitute(
        front_matter=front_matter(facts, title, classifier=classifier),
        title=title,
        summary=_summary(facts, classifier=classifier),
        notice=_notice(facts, classifier=classifier),
        details=details_section(facts, classifier=classifier),
        uses=uses_section(facts, classifier=classifier),
        limitations=limitations_section(facts, classifier=classifier),
        example=_example(facts, classifier=classifier),
        data=data_section(facts, classifier=classifier),
        terms=terms_section(facts, classifier=classifier),
        procedure=procedure_section(facts, classifier=classifier),
        results=results_section(facts, classifier=classifier),
        environment=environment_section(facts, classifier=classifier),
        specifications=specifications_section(facts, classifier=classifier, parameters=parameters),
        references=_references(facts, classifier=classifier),
        authors=authors_section(facts),
    )


def render_revision_card(facts: RunFacts, update: int) -> str:
    """Render the `README.md` of the language model after a number of updates of pretraining.

    It has no measured values; the card of the model after the last update has them.
    """
    kind = head_texts(facts).title
    title = f"{facts.release.name}, {kind} after {update:,} updates"
    return _template("revision.md").substitute(
        front_matter=front_matter(facts, title, classifier=False, with_emissions=False),
        title=title,
        name=facts.release.name,
        kind=kind,
        update=f"{update:,}",
        updates=f"{facts.counts['pretrain']['updates']:,}",
        notice=_notice(facts, classifier=False),
        packages=packages_note(facts.description.languages, facts.segmenters),
        revision=revision_name(update),
        terms=terms_section(facts, classifier=False),
    )


def _template(name: str) -> Template:
    return Template((_TEMPLATES / name).read_text(encoding="utf-8"))


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
        f"{encoder}. The model predicts {head_texts(facts).predicts} and returns a hidden state "
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


def _example(facts: RunFacts, *, classifier: bool) -> str:
    known = facts.description.languages
    example = example_of(known)
    name = head_texts(facts).example
    if classifier:
        name = "example_classifier.md" if facts.is_paired else "example_single.md"
    parts = [_template(part).substitute(example._asdict()) for part in (name, "example_ids.md")]
    return "\n\n".join([packages_note(known, facts.segmenters), *map(str.rstrip, parts)])


def _references(facts: RunFacts, *, classifier: bool) -> str:
    sources = sources_of(facts, classifier=classifier)
    found = reference_list(source.citation for source in sources)
    return f"Its data are described in:\n\n{found}" if found else ""
