"""The environmental impact on a card: from measured times and stated factors, by a formula."""

import re
from dataclasses import replace

import pytest
from huggingface_hub import ModelCard

from xlm.config.training.release import ReleaseConfig
from xlm.release.card.facts import RunFacts
from xlm.release.card.measured import without_measured
from xlm.release.card.render import render_card
from xlm.release.card.sections.environment import energy_of, environment_section
from xlm.release.costs import StageTimes

COSTS = {
    "tokenize": StageTimes(cpu_seconds=3600, units=15),
    "pretrain": StageTimes(cpu_seconds=36_000, gpu_seconds=360_000, units=1),
    "finetune": StageTimes(cpu_seconds=3600, gpu_seconds=7200, units=1, unmeasured=2),
}


@pytest.fixture
def measured_facts(facts: RunFacts) -> RunFacts:
    return replace(facts, costs=COSTS)


def rows_of(section: str) -> list[list[str]]:
    text = re.sub("<!--.*?-->", "", section)
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]


def test_energy_and_emissions_follow_from_times_and_factors(measured_facts: RunFacts) -> None:
    encoder = energy_of(measured_facts, classifier=False)
    assert encoder is not None
    # 11 hours of cores with 12 W, and 100 hours of GPUs with 700 W.
    assert encoder.kilowatt_hours == pytest.approx((11 * 0.012 + 100 * 0.7) * 1.56)
    assert encoder.kilograms == pytest.approx(encoder.kilowatt_hours * 0.481)
    both = energy_of(measured_facts, classifier=True)
    assert both is not None
    added = both.kilowatt_hours - encoder.kilowatt_hours
    assert added == pytest.approx((1 * 0.012 + 2 * 0.7) * 1.56)


def test_the_card_has_what_a_reader_needs_to_repeat_the_calculation(
    measured_facts: RunFacts,
) -> None:
    section = environment_section(measured_facts, classifier=True)
    rows = {row[0]: row[1:] for row in rows_of(section)}
    assert rows["CPU core hours"] == ["12"]
    assert rows["GPU hours"] == ["102"]
    assert rows["energy, kWh"] == ["112"]
    assert rows["emissions, kg CO2e"] == ["53.7"]
    assert rows["pretrain"] == ["1", "10", "100", "109"]
    assert list(rows).index("pretrain") < list(rows).index("tokenize")
    assert "/ 3,600,000 x PUE" in section
    assert "* 12 W for each busy CPU core: the default of [Green Algorithms]" in section
    assert "2 artifacts had no record of times." in section
    assert "finetune" not in environment_section(measured_facts, classifier=False)


def test_other_factors_are_those_of_the_publisher(measured_facts: RunFacts) -> None:
    release = ReleaseConfig(watts_per_core=5, grid_grams_per_kilowatt_hour=56, region="France")
    facts = replace(measured_facts, release=release)
    section = environment_section(facts, classifier=True)
    assert "* 5 W for each busy CPU core: stated by the publisher" in section
    assert "* 56 g CO2e per kWh: stated by the publisher" in section
    assert "| region | France |" in section
    data = ModelCard(render_card(facts, classifier=True, parameters=1)).data
    assert data.co2_eq_emissions["geographical_location"] == "France"


def test_the_front_matter_has_grams(measured_facts: RunFacts) -> None:
    data = ModelCard(render_card(measured_facts, classifier=True, parameters=1)).data
    assert data.co2_eq_emissions["emissions"] == pytest.approx(53_684, abs=1)
    assert data.co2_eq_emissions["training_type"] == "pre-training"
    assert data.co2_eq_emissions["hardware_used"] == "2 cores, Linux-6"


def test_the_card_names_gpu_hours_that_were_not_recorded(measured_facts: RunFacts) -> None:
    section = environment_section(measured_facts, classifier=True)
    assert "Time in a queue does not count." in section
    assert "earlier version" not in section
    old = {**COSTS, "pretrain": replace(COSTS["pretrain"], unrecorded=1)}
    section = environment_section(replace(measured_facts, costs=old), classifier=True)
    assert "The GPU hours of 1 artifact of an earlier version are wall time multiplied" in section


def test_without_measurements_there_is_no_estimate(facts: RunFacts) -> None:
    assert energy_of(facts, classifier=True) is None
    section = environment_section(facts, classifier=True)
    assert ["energy, kWh", "–"] in rows_of(section)
    assert "co2_eq_emissions" not in render_card(facts, classifier=True, parameters=1)


def test_times_are_marked_as_measured(measured_facts: RunFacts) -> None:
    slower = {**COSTS, "pretrain": StageTimes(cpu_seconds=1, gpu_seconds=2, units=1)}
    cards = [
        render_card(one, classifier=True, parameters=1)
        for one in (measured_facts, replace(measured_facts, costs=slower))
    ]
    assert cards[0] != cards[1]
    assert without_measured(cards[0]) == without_measured(cards[1])


def test_small_numbers_have_no_exponent(facts: RunFacts) -> None:
    tiny = replace(facts, costs={"pretrain": StageTimes(cpu_seconds=0.5, units=1)})
    rows = {row[0]: row[1:] for row in rows_of(environment_section(tiny, classifier=False))}
    assert rows["energy, kWh"] == ["0.0000026"]


@pytest.mark.parametrize(
    ("trained", "classifier", "expected"),
    [
        (("mlm",), True, ("pre-training", "with its pretraining and fine-tuning.")),
        (("mlm",), False, ("pre-training", "with its pretraining.")),
        ((), True, ("fine-tuning", "with its fine-tuning.")),
        ((), False, (None, "without any training.")),
    ],
)
def test_the_type_of_training_is_what_ran(
    measured_facts: RunFacts,
    trained: tuple[str, ...],
    classifier: bool,
    expected: tuple[str | None, str],
) -> None:
    card = ModelCard(
        render_card(replace(measured_facts, trained=trained), classifier=classifier, parameters=1)
    )
    emissions = card.data.co2_eq_emissions
    assert isinstance(emissions, dict)
    assert emissions.get("training_type") == expected[0]
    assert f"from the download to this model, {expected[1]}" in card.text


def test_a_copied_encoder_is_fine_tuned_only(copied_facts: RunFacts) -> None:
    facts = replace(copied_facts, costs=COSTS)
    card = ModelCard(render_card(facts, classifier=True, parameters=1))
    assert isinstance(card.data.co2_eq_emissions, dict)
    assert card.data.co2_eq_emissions["training_type"] == "fine-tuning"
    assert "16 cores" in card.data.co2_eq_emissions["hardware_used"]
    section = environment_section(facts, classifier=True)
    assert ["hardware", "16 cores, Linux-6"] in rows_of(section)
    assert "with its fine-tuning; the training of the model that its encoder comes" in section
