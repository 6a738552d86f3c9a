"""The environmental impact on a card: measured times, energy and emissions, with the method.

    energy = energy_of(facts, classifier=True)
    energy.kilowatt_hours, energy.kilograms

Everything that is multiplied is on the card, so a reader can repeat the calculation with the power
and the grid of another machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from xlm.config.training.release import (
    GRID_GRAMS_PER_KILOWATT_HOUR,
    POWER_USAGE_EFFECTIVENESS,
    WATTS_PER_CORE,
    WATTS_PER_GPU,
    ReleaseConfig,
)
from xlm.display.markdown import ABSENT, table
from xlm.release.card.facts import MachineFacts, RunFacts
from xlm.release.card.measured import measured
from xlm.release.costs import GPU_TIME, StageTimes, unrecorded_line

_HOUR_SECONDS = 3600
_CLASSIFIER_STAGES = ("finetune", "score", "select")
_SOURCES = {
    "watts_per_core": (
        WATTS_PER_CORE,
        "the default of [Green Algorithms](https://doi.org/10.1002/advs.202100707) for a core of "
        "unknown model",
    ),
    "watts_per_gpu": (WATTS_PER_GPU, "the maximum power of an H100 SXM or H200"),
    "power_usage_effectiveness": (
        POWER_USAGE_EFFECTIVENESS,
        "the average in the Uptime Institute's data center survey of 2024",
    ),
    "grid_grams_per_kilowatt_hour": (
        GRID_GRAMS_PER_KILOWATT_HOUR,
        "the world average of 2023 in [Ember's electricity data](https://ember-energy.org/data/"
        "yearly-electricity-data/)",
    ),
}
"""Setting of `release` to its default and the source of the default."""
_NOT_COUNTED = (
    "Not measured, and so not counted: memory, disks, network and idle machines; attempts that "
    "were discarded, interrupted work on data, and other experiments; the last seconds before a "
    "process was killed, at most 30; the training of a model that this one starts from; the making "
    "of the hardware."
)


@dataclass(frozen=True)
class Energy:
    """The estimate for a model."""

    kilowatt_hours: float
    kilograms: float
    """CO2 equivalent."""


def energy_of(facts: RunFacts, *, classifier: bool) -> Energy | None:
    """Estimate energy and emissions from the measured times; None if nothing was measured."""
    costs = _costs(facts, classifier=classifier)
    return _energy(costs, facts.release) if any(one.units for one in costs.values()) else None


def environment_section(facts: RunFacts, *, classifier: bool) -> str:
    """Render hardware, times, energy and emissions, the formula, and what was not counted."""
    costs = _costs(facts, classifier=classifier)
    energy = energy_of(facts, classifier=classifier)
    cpu = sum(one.cpu_seconds for one in costs.values())
    gpu = sum(one.gpu_seconds for one in costs.values())
    rows = [
        ("hardware", measured(hardware_text(training_machine(facts, classifier=classifier)))),
        ("region", facts.release.region or "not stated"),
        ("CPU core hours", _measured_number(cpu / _HOUR_SECONDS, energy)),
        ("GPU hours", _measured_number(gpu / _HOUR_SECONDS, energy)),
        ("energy, kWh", _measured_number(energy.kilowatt_hours if energy else 0.0, energy)),
        ("emissions, kg CO2e", _measured_number(energy.kilograms if energy else 0.0, energy)),
    ]
    parts = [
        "An estimate for all stages from the download to this model, "
        f"{_trainings(facts, classifier=classifier)}.",
        table(("quantity", "value"), rows, left=2),
        _stages(costs, facts.release),
        _method(facts.release),
        _unmeasured(costs),
    ]
    return "\n\n".join(part for part in parts if part)


def training_type(facts: RunFacts, *, classifier: bool) -> str:
    """What this run did to train the model, in the words of the Hub; empty if it did nothing.

    With its pretraining, which takes most of the energy, a classifier is of type "pre-training".
    """
    return "pre-training" if facts.trained else "fine-tuning" if classifier else ""


def _trainings(facts: RunFacts, *, classifier: bool) -> str:
    ran = [*(["pretraining"] if facts.trained else []), *(["fine-tuning"] if classifier else [])]
    text = f"with its {' and '.join(ran)}" if ran else "without any training"
    if facts.is_copied:
        text += "; the training of the model that its encoder comes from is not part of it"
    return text


def training_machine(facts: RunFacts, *, classifier: bool) -> MachineFacts:
    """The machine that trained the model: of pretraining, or of fine-tuning alone."""
    stage = "finetune" if classifier and not facts.trained else "pretrain"
    return facts.machines.get(stage, MachineFacts())


def hardware_text(machine: MachineFacts) -> str:
    """Name the machine of a stage: `2 cores, Linux`; a dash if it is not known."""
    cores = "" if machine.cores is None else f"{machine.cores} core"
    cores += "s" if cores and machine.cores != 1 else ""
    return ", ".join(part for part in (cores, machine.system) if part) or ABSENT


def _costs(facts: RunFacts, *, classifier: bool) -> dict[str, StageTimes]:
    return {
        stage: cost
        for stage, cost in facts.costs.items()
        if classifier or stage not in _CLASSIFIER_STAGES
    }


def _energy(costs: Mapping[str, StageTimes], release: ReleaseConfig) -> Energy:
    watt_seconds = sum(
        one.cpu_seconds * release.watts_per_core + one.gpu_seconds * release.watts_per_gpu
        for one in costs.values()
    )
    kilowatt_hours = watt_seconds / _HOUR_SECONDS / 1000 * release.power_usage_effectiveness
    return Energy(kilowatt_hours, kilowatt_hours * release.grid_grams_per_kilowatt_hour / 1000)


def _stages(costs: Mapping[str, StageTimes], release: ReleaseConfig) -> str:
    """The times of each stage, the largest consumers first, as one measured block."""
    found = [
        (stage, cost, _energy({stage: cost}, release).kilowatt_hours)
        for stage, cost in costs.items()
        if cost.units
    ]
    rows = [
        (
            stage,
            str(cost.units),
            _number(cost.cpu_seconds / _HOUR_SECONDS),
            _number(cost.gpu_seconds / _HOUR_SECONDS),
            _number(kilowatt_hours),
        )
        for stage, cost, kilowatt_hours in sorted(found, key=lambda row: (-row[2], row[0]))
    ]
    header = ("stage", "units", "CPU core hours", "GPU hours", "kWh")
    return measured(f"\n\n{table(header, rows)}\n\n") if rows else ""


def _method(release: ReleaseConfig) -> str:
    factors = [
        ("watts_per_core", "{} W for each busy CPU core"),
        ("watts_per_gpu", "{} W for each GPU of a process, for the whole time of the process"),
        ("power_usage_effectiveness", "a power usage effectiveness (PUE) of {}"),
        ("grid_grams_per_kilowatt_hour", "{} g CO2e per kWh"),
    ]
    lines = [
        f"The times are those that the pipeline recorded for each stage. {GPU_TIME} The estimate "
        "is not a measurement at the socket:",
        "",
        "```text",
        "kWh  = (CPU seconds x W per core + GPU seconds x W per GPU) / 3,600,000 x PUE",
        "kg   = kWh x g per kWh / 1000",
        "```",
        "",
        *(
            f"* {text.format(f'{getattr(release, name):g}')}: {_source(name, release)}"
            for name, text in factors
        ),
    ]
    return "\n".join(lines)


def _source(name: str, release: ReleaseConfig) -> str:
    default, source = _SOURCES[name]
    return source if getattr(release, name) == default else "stated by the publisher"


def _unmeasured(costs: Mapping[str, StageTimes]) -> str:
    lost = sum(one.unmeasured for one in costs.values())
    noun = "artifact" if lost == 1 else "artifacts"
    missing = f" {lost} {noun} had no record of times." if lost else ""
    old = unrecorded_line(sum(one.unrecorded for one in costs.values()))
    return _NOT_COUNTED + measured(missing + (f" {old}" if old else ""))


def _measured_number(value: float, energy: Energy | None) -> str:
    return measured(ABSENT if energy is None else _number(value))


def _number(value: float) -> str:
    """Three significant digits without an exponent: 0.0000123, 45.6, 7,890."""
    return f"{value:,.0f}" if value >= 1000 else f"{Decimal(f'{value:.3g}'):f}"
