"""Recipes and objectives side by side on mini15: perplexity and retrieval after the same updates.

    .venv/bin/python bench/recipes.py [--root ./data] [--set sources.mirror=../mirror] [--seeds 1]

Every arm sees the same number of updates of the same size; two runs at a time, each with one
process. Perplexity and retrieval are measured on the test split, of the weights that the run would
publish. Writes bench/results/recipes.json, the tables in docs/explanation/recipes.md and the
figure next to it.
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
from xlm.xnli.evaluation.retrieval import retrieve

RESULTS = Path(__file__).parent / "results" / "recipes.json"
FIGURE = Path(__file__).parents[1] / "docs" / "explanation" / "recipes.png"
PROFILE = "mini15"
ARMS: dict[str, tuple[str, ...]] = {
    "faithful": ("pretrain.recipe=faithful",),
    "fast": ("pretrain.recipe=fast",),
    "fast, attention dropout 0.1": ("pretrain.recipe=fast", "model.attention_dropout=0.1"),
    "fast, MLM only": ("pretrain.recipe=fast", "pretrain.objectives=[mlm]"),
}
_COLOURS = (BLUE, ORANGE, GREEN, GREY)
_KEPT = ("pretrain.keep=last", "pretrain.patience=null", "pretrain.processes=1")


@dataclass(frozen=True)
class Outcome:
    """What one run came to."""

    arm: str
    seed: int
    perplexity: float
    """Mean over languages of MLM on the test split; one language alone can rule it."""
    geometric_perplexity: float
    """exp of the mean loss of the languages, which none rules."""
    pair_perplexity: float
    """Mean over pairs of TLM on the test split."""
    to_english: float
    """P@1, centred, mean over languages."""
    from_english: float
    tokens: int
    cpu_seconds: float
    curve: list[tuple[int, float]]
    """Validation perplexity by update."""


def main() -> None:
    """Run all arms, write the JSON, the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=MachineSettings.from_environment().root)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    root, common = resolve_root(arguments.root), tuple(arguments.overrides)
    run_pipeline(root, PROFILE, common, until="shard")
    jobs = [(arm, seed) for seed in range(arguments.seeds) for arm in ARMS]
    with ThreadPoolExecutor(max_workers=2) as pool:
        runs = list(pool.map(lambda job: _pretrain(root, common, *job), jobs))
    torch.set_num_threads(os.cpu_count() or 1)
    # The first arm's run names all data; a run without TLM needs no pairs.
    found = [
        _measure(*job, nodes["pretrain[all]"], runs[0])
        for job, nodes in zip(jobs, runs, strict=True)
    ]
    RESULTS.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")
    fill("explanation/recipes.md", "recipes", render(found))
    draw(found)
    print(render(found))


def render(found: list[Outcome]) -> str:
    """One row an arm, means over seeds."""
    header = (
        "arm", "MLM perplexity", "geometric mean", "TLM perplexity",
        "P@1 to English", "P@1 from English", "tokens seen", "CPU minutes",
    )  # fmt: skip
    rows = []
    for arm in ARMS:
        mine = [one for one in found if one.arm == arm]

        def mean(name: str, mine: list[Outcome] = mine) -> float:
            return statistics.fmean(getattr(one, name) for one in mine)

        rows.append(
            (
                arm,
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


def draw(found: list[Outcome]) -> None:
    """Validation perplexity of every arm over its updates."""
    style = Style(dots_per_inch=120)
    figure = new_figure(style, width=7.0, height=4.2)
    axes = figure.subplots()
    prepare_axes(axes, "Validation perplexity (MLM) on mini15", "update", "perplexity, log scale")
    axes.set_yscale("log")
    for (arm, _), colour in zip(ARMS.items(), _COLOURS, strict=True):
        for one in found:
            if one.arm == arm:
                label = arm if one.seed == 0 else None
                axes.plot(*zip(*one.curve, strict=True), color=colour, label=label, linewidth=1.8)
    axes.legend(frameon=False)
    save_figure(figure, FIGURE, style)


def _pretrain(root: Path, common: tuple[str, ...], arm: str, seed: int) -> dict[str, Path]:
    """Directories of the run's artifacts, by node."""
    overrides = (*common, *ARMS[arm], *_KEPT, f"pretrain.seed={seed}")
    run_pipeline(root, PROFILE, overrides, until="pretrain")
    return directories(root, record_of(root, overrides))


def _measure(arm: str, seed: int, pretrained: Path, data: dict[str, Path]) -> Outcome:
    """Test perplexities and retrieval of the published weights."""
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
    found = [one for one in pairs if one is not None]
    summary = json.loads((pretrained / "validation.json").read_text())
    measured = json.loads((pretrained / "run.json").read_text())
    return Outcome(
        arm=arm,
        seed=seed,
        perplexity=metrics["test_mlm_ppl"],
        geometric_perplexity=statistics.geometric_mean(
            metrics[f"test_{code}_mlm_ppl"] for code in languages
        ),
        pair_perplexity=metrics["test_tlm_ppl"],
        to_english=statistics.fmean(one.centred_to_english for one in found),
        from_english=statistics.fmean(one.centred_from_english for one in found),
        tokens=summary["tokens"],
        cpu_seconds=measured["cpu_seconds"],
        curve=[(one["step"], one["valid_mlm_ppl"]) for one in summary["validations"]],
    )


if __name__ == "__main__":
    main()
