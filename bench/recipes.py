"""Compares recipes and objectives on mini15: perplexity and retrieval after the same updates.

    .venv/bin/python bench/recipes.py [--root ./data] [--set sources.mirror=../mirror] [--seeds 1]

All variants train for the same number of updates of the same size. Two runs are active at a time,
each with one process. Perplexity and retrieval are measured on the test split with the weights that
the run would publish. Writes bench/results/recipes.json, the table in docs/explanation/recipes.md
and the figure next to it.
"""

import argparse
import json
import os
import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from pages import fill
from runs import directories, record_of, run_pipeline

from xlm.classification.evaluation.retrieval import retrieve
from xlm.config.environment import MachineSettings
from xlm.config.languages.pairs import ENGLISH
from xlm.config.reading.resolve import resolve
from xlm.dataloader.data import load_held_out_data
from xlm.display.markdown import table
from xlm.display.plotting import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Style,
    new_figure,
    prepare_axes,
    save_figure,
)
from xlm.model.formats.ours import load_encoder
from xlm.store.disk.root import resolve_root
from xlm.training.validation import Validator

RESULTS = Path(__file__).parent / "results" / "recipes.json"
FIGURE = Path(__file__).parents[1] / "docs" / "explanation" / "recipes.png"
PROFILE = "mini15"
VARIANTS: dict[str, tuple[str, ...]] = {
    "faithful": ("pretrain.recipe=faithful",),
    "fast": ("pretrain.recipe=fast",),
    "fast, attention dropout 0.1": ("pretrain.recipe=fast", "model.attention_dropout=0.1"),
    "fast, MLM only": ("pretrain.recipe=fast", "pretrain.objectives=[mlm]"),
}
_COLOURS = (BLUE, ORANGE, GREEN, GREY)
_KEPT = ("pretrain.keep=last", "pretrain.patience=null", "pretrain.processes=1")


@dataclass(frozen=True)
class Outcome:
    """Results of one run."""

    variant: str
    seed: int
    perplexity: float
    """Mean over languages of MLM on the test split; one language can dominate it."""
    geometric_perplexity: float
    """exp of the mean loss of the languages, which no language dominates."""
    pair_perplexity: float
    """Mean over pairs of TLM on the test split."""
    to_english: float
    """P@1 after centring, mean over languages."""
    from_english: float
    tokens: int
    cpu_seconds: float
    curve: list[tuple[int, float]]
    """Validation perplexity by update."""


def main() -> None:
    """Run all variants, write the JSON file, the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=MachineSettings.from_environment().root)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    root, common = resolve_root(arguments.root), tuple(arguments.overrides)
    run_pipeline(root, PROFILE, common, until="shard")
    jobs = [(variant, seed) for seed in range(arguments.seeds) for variant in VARIANTS]
    with ThreadPoolExecutor(max_workers=2) as pool:
        runs = list(pool.map(lambda job: _pretrain(root, common, *job), jobs))
    torch.set_num_threads(os.cpu_count() or 1)
    # The first run has all data; a run without TLM has no pairs.
    results = [
        _measure(*job, nodes["pretrain[all]"], runs[0])
        for job, nodes in zip(jobs, runs, strict=True)
    ]
    RESULTS.write_text(json.dumps([asdict(one) for one in results], indent=1) + "\n")
    fill("explanation/recipes.md", "recipes", render(results))
    draw(results)
    print(render(results))


def render(results: list[Outcome]) -> str:
    """Render one row per variant, with means over seeds."""
    header = (
        "variant", "MLM perplexity", "geometric mean", "TLM perplexity",
        "P@1 to English", "P@1 from English", "tokens seen", "CPU minutes",
    )  # fmt: skip
    rows = []
    for variant in VARIANTS:
        mine = [one for one in results if one.variant == variant]

        def mean(name: str, mine: list[Outcome] = mine) -> float:
            return statistics.fmean(getattr(one, name) for one in mine)

        rows.append(
            (
                variant,
                f"{mean('perplexity'):,.0f}",
                f"{mean('geometric_perplexity'):,.0f}",
                f"{mean('pair_perplexity'):,.0f}",
                f"{100 * mean('to_english'):.1f}",
                f"{100 * mean('from_english'):.1f}",
                f"{mean('tokens') / 1e6:.2f} M",
                f"{mean('cpu_seconds') / 60:.1f}",
            )
        )
    return table(header, rows)


def draw(results: list[Outcome]) -> None:
    """Draw the validation perplexity of each variant by update."""
    style = Style(dots_per_inch=120)
    figure = new_figure(style, width=7.0, height=4.2)
    axes = figure.subplots()
    prepare_axes(axes, "Validation perplexity (MLM) on mini15", "update", "perplexity, log scale")
    axes.set_yscale("log")
    for (variant, _), colour in zip(VARIANTS.items(), _COLOURS, strict=True):
        for one in results:
            if one.variant == variant:
                label = variant if one.seed == 0 else None
                axes.plot(*zip(*one.curve, strict=True), color=colour, label=label, linewidth=1.8)
    axes.legend(frameon=False)
    save_figure(figure, FIGURE, style)


def _pretrain(root: Path, common: tuple[str, ...], variant: str, seed: int) -> dict[str, Path]:
    """Run pretraining; return the directories of the artifacts by node."""
    overrides = (*common, *VARIANTS[variant], *_KEPT, f"pretrain.seed={seed}")
    run_pipeline(root, PROFILE, overrides, until="pretrain")
    return directories(root, record_of(root, overrides))


def _measure(variant: str, seed: int, pretrained: Path, data: dict[str, Path]) -> Outcome:
    """Measure test perplexity and retrieval of the published weights."""
    encoder, cpu = load_encoder(pretrained), torch.device("cpu")
    languages = encoder.description.languages
    names = ["-".join(sorted((ENGLISH, code))) for code in languages if code != ENGLISH]
    corpus = load_held_out_data(
        "test",
        mono={code: data[f"shard[{code}]"] for code in languages},
        pairs={name: data[f"shard[{name}]"] for name in names},
        vocabulary_hash=encoder.description.vocabulary_hash,
    )
    config = resolve(PROFILE)
    validator = Validator(
        corpus, encoder.description, split="test", stream_tokens=config.pretrain.stream_tokens,
        specials=False,
    )  # fmt: skip
    metrics = validator.metrics(validator.measure(encoder, range(len(validator.tasks)), cpu))
    pairs = [
        retrieve(encoder, one, english=ENGLISH, limit=config.evaluate.retrieval_pairs, device=cpu)
        for one in corpus.pairs.values()
    ]
    retrieved = [one for one in pairs if one is not None]
    summary = json.loads((pretrained / "validation.json").read_text())
    measured = json.loads((pretrained / "run.json").read_text())
    return Outcome(
        variant=variant,
        seed=seed,
        perplexity=metrics["test_mlm_ppl"],
        geometric_perplexity=statistics.geometric_mean(
            metrics[f"test_{code}_mlm_ppl"] for code in languages
        ),
        pair_perplexity=metrics["test_tlm_ppl"],
        to_english=statistics.fmean(one.centred_to_english for one in retrieved),
        from_english=statistics.fmean(one.centred_from_english for one in retrieved),
        tokens=summary["tokens"],
        cpu_seconds=measured["cpu_seconds"],
        curve=[(one["step"], one["valid_mlm_ppl"]) for one in summary["validations"]],
    )


if __name__ == "__main__":
    main()
