"""The training data on a card: sources, amounts, preprocessing and licences."""

from xlm.config.data.sources import (
    MULTINLI_ID,
    OFFICIAL_CODES_ID,
    OFFICIAL_IDS,
    OFFICIAL_VOCABULARY_ID,
    PAWSX_ID,
    WIKIPEDIA_ID,
    XNLI_ID,
)
from xlm.config.languages.names import name_with_code
from xlm.display.markdown import ABSENT, format_integer, format_size, table
from xlm.release.card.facts import OWN_ROWS, RunFacts, SourceFacts
from xlm.release.card.licences import Terms, combined_terms
from xlm.release.fertility import fertility_section

FINE_TUNING_SOURCES = (XNLI_ID, MULTINLI_ID, PAWSX_ID, OWN_ROWS)
"""Units of the sources with labelled rows."""
_PURPOSES = {
    OFFICIAL_CODES_ID: "BPE merges",
    OFFICIAL_VOCABULARY_ID: "vocabulary",
    XNLI_ID: "XNLI dev (model selection) and test",
    PAWSX_ID: "fine-tuning, dev (model selection) and test",
    OWN_ROWS: "fine-tuning, dev (model selection) and test",
}
_DATA_CARD = (
    "The [data card](DATA.md) has the sha256, the date and the citation of each source, the sizes "
    "of all splits, and notes on personal data and bias."
)
_SYNTHETIC = (
    "The pipeline generated all data from a small lexicon, in the file formats of the sources "
    "below. Nothing was downloaded from them."
)
_SYNTHETIC_EXCEPT_MERGES = (
    "The pipeline generated all data except the published BPE merges and vocabulary from a small "
    "lexicon, in the file formats of the sources below."
)


def sources_of(facts: RunFacts, *, classifier: bool) -> tuple[SourceFacts, ...]:
    """List the sources of a model; the pretrained encoder was not trained on labelled rows."""
    used = [s for s in facts.sources if classifier or s.unit not in FINE_TUNING_SOURCES]
    return tuple(sorted(used, key=lambda source: (_order(source.unit), source.unit)))


def terms_of(facts: RunFacts, *, classifier: bool) -> Terms:
    """Combine the licences of a model's sources with the licence of the weights."""
    licences = (source.licence for source in sources_of(facts, classifier=classifier))
    return combined_terms(facts.release.licence, licences)


def data_section(facts: RunFacts, *, classifier: bool) -> str:
    """Render the sources, the pretraining data by language, and the vocabulary coverage."""
    sources = sources_of(facts, classifier=classifier)
    header = ["source", "used for", "size", "licence"]
    rows = [
        [source.name, _purpose(source, facts), _size(source), source.licence] for source in sources
    ]
    if any(source.citation for source in sources):
        header.append("citation")
        for row, source in zip(rows, sources, strict=True):
            row.append(source.citation or ABSENT)
    if not facts.synthetic:
        header.append("URL")
        for row, source in zip(rows, sources, strict=True):
            row.append(f"<{source.url}>" if source.url else "local files")
    parts = [table(header, rows, left=len(header))]
    if facts.synthetic:
        parts.insert(0, _SYNTHETIC_EXCEPT_MERGES if _has_published_merges(facts) else _SYNTHETIC)
    parts += [
        _training_splits(facts),
        _cleaning(facts),
        _preprocessing(facts),
        fertility_section(facts.vocabulary, facts.names),
    ]
    parts.append(_DATA_CARD)
    return "\n\n".join(part for part in parts if part)


def _training_splits(facts: RunFacts) -> str:
    """What pretraining learned from; text and pairs that only measure the model are not listed."""
    if facts.is_copied:
        return (
            "The encoder is that of another model, and the card of that model has its training "
            "data. The text and pairs above did not train it."
        )
    found = facts.pretraining_data
    if not found:
        return "The encoder was not pretrained on any of these sources."
    rows = [(data.unit, format_integer(data.lines), format_integer(data.tokens)) for data in found]
    total = (
        "**all**",
        format_integer(sum(data.lines for data in found)),
        format_integer(sum(data.tokens for data in found)),
    )
    origin = "the monolingual sources above" if facts.own_text else "its Wikipedia"
    note = "The encoder was pretrained on these training splits."
    if any("-" not in data.unit for data in found):
        note += f" The lines of a language come from {origin}."
    if any("-" in data.unit for data in found):
        note += " The lines of a pair are aligned sentences, with the tokens of both sides."
    elif len(found) < len(facts.data):
        note += " It did not learn from pairs."
    return f"{note}\n\n{table(('language or pair', 'lines', 'tokens'), [*rows, total])}"


def _cleaning(facts: RunFacts) -> str:
    """What was dropped before the split, by reason; units that lost nothing have no row."""
    if not facts.cleaning:
        return ""
    note = "Before these splits were made, the text was cleaned."
    cleaned = [one for one in facts.cleaning if one.kept < one.lines]
    if not cleaned:
        return f"{note} Nothing was dropped."
    reasons = dict.fromkeys(
        reason for one in cleaned for reason, count in one.dropped.items() if count
    )
    rows = [
        (
            one.unit,
            format_integer(one.lines),
            *(format_integer(one.dropped.get(reason, 0)) for reason in reasons),
            f"{one.kept / one.lines:.1%}",
        )
        for one in cleaned
    ]
    header = ("language or pair", "lines", *(one.replace("_", " ") for one in reasons), "kept")
    return f"{note} Dropped lines, by the first reason that applies:\n\n{table(header, rows)}"


def _preprocessing(facts: RunFacts) -> str:
    lowering = "" if facts.cased else " lower-casing, accent removal,"
    kept = " Case and accents are kept." if facts.cased else ""
    return (
        f"Text is preprocessed as in XLM: Moses normalization and tokenization,{lowering} and "
        f"byte-pair encoding (BPE) shared by all languages.{kept}{_segmenters(facts)}"
    )


def terms_section(facts: RunFacts, *, classifier: bool) -> str:
    """Render the licence and the restrictions that follow from the sources."""
    terms = terms_of(facts, classifier=classifier)
    lines = [
        "### Licence",
        f"`{terms.identifier}`. The publisher licenses the weights under "
        f"`{facts.release.licence}`. Whether weights are a derived work of their training data is "
        "not settled law, so this card applies the most restrictive terms of any source:",
    ]
    restrictions = [
        (terms.non_commercial, "**non-commercial use only**, because of {}"),
        (terms.share_alike, "**share alike and attribution**, because of {}"),
        (terms.unclear, "**custom terms, to be read before use**: {}"),
    ]
    found = [f"* {text.format(', '.join(names))}." for names, text in restrictions if names]
    lines.append("\n".join(found or ["* No source is more restrictive."]))
    return "\n\n".join(lines)


def _segmenters(facts: RunFacts) -> str:
    """Name the word segmenters of languages written without spaces."""
    if not facts.segmenters:
        return ""
    named = (
        f"{name_with_code(code, facts.names)} by {tool}"
        for code, tool in sorted(facts.segmenters.items())
    )
    return f" Languages written without spaces were segmented: {'; '.join(named)}."


def _order(unit: str) -> int:
    """Sort Wikipedias before parallel corpora before labelled rows: the order of training."""
    return 2 if unit in FINE_TUNING_SOURCES else 0 if unit.startswith(f"{WIKIPEDIA_ID}.") else 1


def _size(source: SourceFacts) -> str:
    return ("the first " if source.is_head else "") + format_size(source.size_bytes)


def _purpose(source: SourceFacts, facts: RunFacts) -> str:
    if source.unit == MULTINLI_ID:
        return f"fine-tuning ({facts.training_languages})"
    if source.unit in _PURPOSES:
        return _PURPOSES[source.unit]
    has_others = _has_published_merges(facts) or facts.has_foreign_merges
    purposes = [] if has_others else ["BPE merges", "vocabulary"]
    if source.unit.partition(".")[0] == WIKIPEDIA_ID or source.unit in facts.own_text:
        purposes += [one.upper() for one in facts.trained if one != "tlm"]
        return ", ".join(purposes) or "perplexity"
    if "tlm" in facts.trained:
        purposes.append("TLM")
    return ", ".join([*purposes, "retrieval"])


def _has_published_merges(facts: RunFacts) -> bool:
    return any(source.unit in OFFICIAL_IDS for source in facts.sources)
