"""Invented results of sweeps: every cell on dev, the selected ones on test."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.release.artifacts import results
from xlm.classification.results.accuracies import Accuracy, Rule
from xlm.classification.results.paper import PAPER
from xlm.classification.results.records import Results
from xlm.config.training.sweep import Setting

ROWS = 100
RATES = (5e-6, 1.25e-5)
CODES = ("en", "fr", "sw")
Wins = Mapping[Rule, Mapping[str, float]]
"""The learning rate that each rule selects, by language."""

SAME: Wins = {rule: dict.fromkeys(CODES, RATES[0]) for rule in ("training", "mean", "language")}
"""All rules select the same cell."""
OWN: Wins = {**SAME, "language": {"en": RATES[0], "fr": RATES[1], "sw": RATES[1]}}
"""The best cell of two languages is another one."""

DIFFERENT: Wins = {**OWN, "mean": dict.fromkeys(CODES, RATES[1])}
"""Each rule selects other cells."""


def accuracy(
    code: str,
    seed: int,
    correct: int,
    *,
    rule: Rule | None = None,
    setting: Setting = "zero-shot",
    rate: float = RATES[0],
    name: str = "en",
    checkpoint: str = "",
    collapsed: bool = False,
    retried: bool = False,
) -> Accuracy:
    """One row; without a rule it is of dev."""
    cell = f"{name}.lr{rate:g}.b8.s{seed}"
    return Accuracy(
        setting=setting, rule=rule, language=code, split="test" if rule else "dev", seed=seed,
        cell=cell, learning_rate=rate, batch_pairs=8, checkpoint=checkpoint or f"of-{cell}",
        collapsed=collapsed, retried=retried, n=ROWS, correct=correct,
    )  # fmt: skip


def sweep_rows(
    seeds: Sequence[int] = (0, 1, 2), wins: Wins = OWN, *, offset: int = 0
) -> tuple[Accuracy, ...]:
    """Zero-shot rows; accuracy falls by 10 points a language and rises by 2 with each seed."""
    level = {code: 80 - 10 * number + offset for number, code in enumerate(CODES)}
    dev = [
        accuracy(
            code, seed, level[code] + number,
            rate=rate, retried=number == 1 and seed == seeds[0],
        )
        for number, rate in enumerate(RATES)
        for seed in seeds
        for code in CODES
    ]  # fmt: skip
    test = [
        accuracy(
            code,
            seed,
            level[code] + 2 * seed + 3 * (rates[code] != RATES[0]),
            rule=rule,
            rate=rates[code],
        )
        for rule, rates in wins.items()
        for seed in seeds
        for code in CODES
    ]
    return (*dev, *test)


def translated_rows(seeds: Sequence[int] = (0, 1, 2)) -> tuple[Accuracy, ...]:
    """One model a language; the English one is that of zero-shot."""
    rows = []
    for seed in seeds:
        for number, code in enumerate(CODES):
            common: dict[str, Any] = {"setting": "translate-train", "name": code}
            if code != "en":
                rows += [accuracy(code, seed, 84 - number, rate=rate, **common) for rate in RATES]
            rows.append(accuracy(code, seed, 84 - number + seed, rule="language", **common))
    return tuple(rows)


def sweep_results(rows: Sequence[Accuracy]) -> Results:
    """Results of the published model with these rows of the sweep."""
    paper = {name: dict(row) for name, row in PAPER.items()}
    changes = {
        "accuracies": tuple(rows),
        "published_row": paper,
        "selected_by": "English dev accuracy",
    }
    return results(CODES).model_copy(update=changes)
