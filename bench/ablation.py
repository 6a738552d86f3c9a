"""Compares MLM+TLM with MLM alone on the sample world, with three seeds.

    .venv/bin/python bench/ablation.py [--root ./data] [--seeds 3]

Both variants have the same data, number of updates and fine-tuning. Two runs are active at a time,
each with one training process. Writes bench/results/ablation.json and the table in
docs/reference/results/sample.md, and prints the table.
"""

import argparse
import json
import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from pages import fill
from runs import record_of, run_pipeline

from xlm.config.environment import MachineSettings
from xlm.display.markdown import table
from xlm.report.run_results import results_of
from xlm.store.disk.root import resolve_root

RESULTS = Path(__file__).parent / "results" / "ablation.json"
PROFILE = "sample"
# The learning rates of both variants were tuned in the same way (docs/reference/results/sample.md).
VARIANTS: dict[str, tuple[str, ...]] = {
    "MLM+TLM": (),
    "MLM only": ("pretrain.objectives=[mlm]",),
}
_T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""Number of seeds to the two-sided 95 % quantile of Student's t."""


@dataclass(frozen=True)
class Outcome:
    """Results of one run, between 0 and 1."""

    variant: str
    seed: int
    english: float
    zero_shot: float
    retrieval: float


def main() -> None:
    """Run both variants for all seeds, write the JSON file, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=MachineSettings.from_environment().root)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    root = resolve_root(arguments.root)
    jobs = [(variant, seed) for seed in range(arguments.seeds) for variant in VARIANTS]
    # Build the data once, before two runs need it at the same time.
    run_pipeline(root, PROFILE, (), until="shard")
    with ThreadPoolExecutor(max_workers=2) as pool:
        outcomes = list(pool.map(lambda job: _measure(root, *job), jobs))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([asdict(one) for one in outcomes], indent=1) + "\n")
    fill("reference/results/sample.md", "ablation", render(outcomes))
    print(render(outcomes))


def render(outcomes: list[Outcome]) -> str:
    """Render the runs, and their means with 95 % intervals over seeds."""
    rows = [
        (one.variant, str(one.seed), _cent(one.english), _cent(one.zero_shot), _cent(one.retrieval))
        for one in sorted(outcomes, key=lambda one: (one.variant, one.seed), reverse=True)
    ]
    for variant in VARIANTS:
        mine = [one for one in outcomes if one.variant == variant]
        rows.append(
            (
                f"{variant}, mean",
                "",
                _interval([one.english for one in mine]),
                _interval([one.zero_shot for one in mine]),
                _interval([one.retrieval for one in mine]),
            )
        )
    rows.append(("difference", "", "", _interval(_differences(outcomes)), ""))
    header = ("variant", "seed", "English test", "mean of the other 14", "retrieval P@1, centred")
    return table(header, rows)


def _differences(outcomes: list[Outcome]) -> list[float]:
    """Zero-shot mean of MLM+TLM minus that of MLM only, for each seed."""
    by_run = {(one.variant, one.seed): one.zero_shot for one in outcomes}
    seeds = sorted({one.seed for one in outcomes})
    both, alone = VARIANTS
    return [by_run[both, seed] - by_run[alone, seed] for seed in seeds]


def _measure(root: Path, variant: str, seed: int) -> Outcome:
    overrides = (
        *VARIANTS[variant],
        "pretrain.processes=1",
        f"pretrain.seed={seed}",
        f"finetune.seed={seed}",
    )
    run_pipeline(root, PROFILE, overrides, until="evaluate")
    results = results_of(record_of(root, overrides), root)
    english = results.language("en").test
    zero_shot, retrieval = results.averages.zero_shot_test, results.averages.retrieval_centred
    assert english is not None
    assert zero_shot is not None
    assert retrieval is not None
    return Outcome(variant, seed, english.accuracy, zero_shot, retrieval)


def _interval(shares: list[float]) -> str:
    mean = statistics.fmean(shares)
    if len(shares) < 2:
        return _cent(mean)
    half = _T_95.get(len(shares), 1.96) * statistics.stdev(shares) / len(shares) ** 0.5
    return f"{_cent(mean)} ± {_cent(half)}"


def _cent(share: float) -> str:
    return f"{100 * share:.1f}"


if __name__ == "__main__":
    main()
