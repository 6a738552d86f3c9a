"""What a model is, on its card: who published it, its languages, its architecture, its software."""

from xlm.config.languages.names import name_with_code
from xlm.config.training.release import MASKED_LM_FOLDER
from xlm.display.markdown import table
from xlm.release.card.facts import RunFacts
from xlm.release.card.head_texts import head_texts
from xlm.release.card.sections.data import terms_of

_PAPER = "[Cross-lingual Language Model Pretraining](https://arxiv.org/abs/1901.07291)"


def details_section(facts: RunFacts, *, classifier: bool) -> str:
    """Render who published the model, its kind, its languages, its licence and what it is from."""
    names = ", ".join(name_with_code(code, facts.names) for code in facts.description.languages)
    kind = "text classifier" if classifier else head_texts(facts).title
    rows = [
        ("published by", facts.release.author),
        ("kind", f"cross-lingual {kind}"),
        ("languages, by language id", names),
        ("licence", f"`{terms_of(facts, classifier=classifier).identifier}`"),
    ]
    if classifier:
        labels = enumerate(facts.results.labels)
        rows += [
            ("labels", ", ".join(f"{number} {label}" for number, label in labels)),
            ("fine-tuned from", f"the encoder of `{MASKED_LM_FOLDER}` of the same run"),
        ]
    rows.append(("method", _PAPER))
    if facts.release.contact:
        rows.append(("contact", facts.release.contact))
    return table(("property", "value"), rows, left=2)


def specifications_section(facts: RunFacts, *, classifier: bool, parameters: int) -> str:
    """Render the architecture with its sizes, and the software of the run."""
    description = facts.description
    model = description.model
    head = head_texts(facts).head
    if classifier:
        head = f"classification head with {len(facts.results.labels)} labels"
    objective = "cross-entropy of the labels" if classifier else "cross-entropy of the tokens"
    rows = [
        ("architecture", f"Transformer encoder, post-norm, GELU, learned positions, {head}"),
        ("objective", objective),
        ("layers, hidden size, heads", f"{model.layers}, {model.dimension}, {model.heads}"),
        ("maximum input length", f"{model.max_positions} tokens"),
        ("parameters", f"{parameters:,}"),
        ("vocabulary", f"{description.vocabulary_size:,} tokens, including 14 special tokens"),
        ("BPE merges", f"{facts.merges:,}"),
        ("vocabulary hash", f"`{description.vocabulary_hash[:16]}`"),
    ]
    if facts.tools:
        software = ", ".join(f"{name} {version}" for name, version in sorted(facts.tools.items()))
        rows.append(("software", software))
    return table(("property", "value"), rows, left=2)


def authors_section(facts: RunFacts) -> str:
    """Say who is responsible for the card, and where its numbers come from."""
    contact = f" ({facts.release.contact})" if facts.release.contact else ""
    return (
        f"{facts.release.author}{contact}. The pipeline that trained the model wrote this card; "
        "its numbers come from the manifests and the run records of the stages."
    )
