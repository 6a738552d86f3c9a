"""The metadata of a card: YAML that the Hugging Face Hub reads."""

import re

import yaml

from xlm.config.data.sources import MULTINLI_ID, PAWSX_ID, WIKIPEDIA_ID, XNLI_ID
from xlm.release.card.facts import RunFacts
from xlm.release.card.head_texts import head_texts
from xlm.release.card.measured import MEASURED_LINE
from xlm.release.card.public_tasks import PUBLIC_TASKS
from xlm.release.card.sections.data import sources_of, terms_of
from xlm.release.card.sections.environment import (
    energy_of,
    hardware_text,
    training_machine,
    training_type,
)
from xlm.release.card.sections.results import model_index

_DATASETS = {
    WIKIPEDIA_ID: "wikimedia/wikipedia",
    XNLI_ID: PUBLIC_TASKS[XNLI_ID].dataset,
    MULTINLI_ID: "nyu-mll/multi_nli",
    PAWSX_ID: PUBLIC_TASKS[PAWSX_ID].dataset,
}
"""Id of a source to its name on Hugging Face, in the order of a card."""
_EMISSIONS = re.compile(r"^  (?:emissions|hardware_used): .*", re.MULTILINE)


def front_matter(
    facts: RunFacts, title: str, *, classifier: bool, with_emissions: bool = True
) -> str:
    """Render the metadata: languages, licence, task, data sets, emissions and test scores."""
    terms = terms_of(facts, classifier=classifier)
    content: dict[str, object] = {
        "language": list(facts.description.languages),
        "license": terms.identifier,
    }
    if terms.identifier == "other":
        content["license_name"] = "terms-of-the-sources"
        content["license_link"] = "#licence"
    content["library_name"] = "transformers"
    content["pipeline_tag"] = "text-classification" if classifier else head_texts(facts).pipeline
    tags = ["xlm", "multilingual", "cross-lingual"]
    task = PUBLIC_TASKS.get(facts.kind or "")
    if classifier:
        tags += task.tags if task else ()
    else:
        tags.append(head_texts(facts).tag)
    content["tags"] = [*tags, "synthetic-data"] if facts.synthetic else tags
    units = {source.unit.partition(".")[0] for source in sources_of(facts, classifier=classifier)}
    datasets = [name for unit, name in _DATASETS.items() if unit in units]
    if datasets and not facts.synthetic:
        content["datasets"] = datasets
    if with_emissions and (emissions := _emissions(facts, classifier=classifier)):
        content["co2_eq_emissions"] = emissions
    if classifier and any(row.test for row in facts.results.languages):
        content["model-index"] = model_index(facts, title)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return _EMISSIONS.sub(rf"\g<0>{MEASURED_LINE}", text)


def _emissions(facts: RunFacts, *, classifier: bool) -> dict[str, object]:
    """The emissions in grams, in the fields of the Hub; empty if nothing was measured."""
    energy = energy_of(facts, classifier=classifier)
    if energy is None:
        return {}
    trained = training_type(facts, classifier=classifier)
    region = {"geographical_location": facts.release.region} if facts.release.region else {}
    return {
        "emissions": round(1000 * energy.kilograms, 3),
        "source": "estimated from measured times, see Environmental impact",
        **({"training_type": trained} if trained else {}),
        **region,
        "hardware_used": hardware_text(training_machine(facts, classifier=classifier)),
    }
