"""The classifier with a last layer for the first position only, or for all positions.

    .venv/bin/python bench/classifier.py [--threads 1] [--rounds 15]

The model and the batches are those of mini15: fine-tuning updates (forward, backward, clipping,
Adam) of `finetune.batch_pairs` rows with dropout, and predictions of 64 rows. Rows have the lengths
of sentence pairs; ids are synthetic. Both variants take turns on the same batch and alternate in
going first. Medians of CPU time and of the ratios are reported, because other work on the machine
hardly changes them. Writes
bench/results/classifier.json and docs/reference/performance/training.md.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from pages import fill
from torch import Tensor

from xlm.bpe.vocabulary import NUM_SPECIAL_TOKENS, PAD
from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.resolve import resolve
from xlm.display.markdown import table
from xlm.engine.building.machine import machine_record
from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.initialise import initialise
from xlm.training.optimizer import build_optimizer

RESULTS = Path(__file__).resolve().parent / "results" / "classifier.json"
FULL, FIRST = "all positions", "first position"
PREDICTED_ROWS = 64
"""Rows of a batch in `xlm.classification.evaluation.scoring`."""
MEAN_TOKENS, SPREAD_TOKENS, LEAST_TOKENS = 45, 18, 12
"""Tokens of a premise and a hypothesis together, as in XNLI."""

Inputs = tuple[Tensor, Tensor, Tensor]
Step = Callable[[Inputs], Tensor]


class FullClassifier(Classifier):
    """Computes all states of the last layer and uses the first of each row."""

    def forward(self, tokens_BT: Tensor, languages_BT: Tensor, attention_mask_BT: Tensor) -> Tensor:
        """Scores of the three classes, (B, 3)."""
        scores_B3: Tensor = self.proj(
            self.encoder(tokens_BT, languages_BT, attention_mask_BT=attention_mask_BT)[:, 0]
        )
        return scores_B3


KINDS: dict[str, type[Classifier]] = {FULL: FullClassifier, FIRST: Classifier}


def main() -> None:
    """Measure both variants, store the figures and update the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    # As in the stages' processes (xlm.training.launch.entry).
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    config = resolve("mini15")
    rows = config.finetune.batch_pairs
    record = {
        "machine": {k: machine_record()[k] for k in ("system", "python", "cores")},
        "torch": torch.__version__,
        "threads": arguments.threads,
        "rounds": arguments.rounds,
        "runs": {
            f"fine-tuning update, {rows} pairs": _pairs(
                {variant: _update(_classifier(variant, config), config) for variant in KINDS},
                rows, config, arguments.rounds,
            ),
            f"prediction, {PREDICTED_ROWS} pairs": _pairs(
                {variant: _prediction(_classifier(variant, config)) for variant in KINDS},
                PREDICTED_ROWS, config, arguments.rounds,
            ),
        },
    }  # fmt: skip
    RESULTS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    fill("reference/performance/training.md", "classifier", render(record))


def _classifier(variant: str, config: PipelineConfig) -> Classifier:
    description = ModelDescription(
        model=config.model,
        languages=tuple(config.languages),
        vocabulary_size=config.vocabulary.size,
        vocabulary_hash="synthetic",
    )
    classifier = KINDS[variant](Encoder(description), config.finetune.classifier_dropout)
    initialise(classifier.encoder, 0)
    classifier.initialise(0)
    return classifier


def _update(classifier: Classifier, config: PipelineConfig) -> Step:
    tuning = config.finetune
    classifier.train()
    optimizer = build_optimizer(
        classifier.named_parameters(), tuning.optimizer, tuning.schedule, tuning.updates
    )

    def step(inputs: Inputs) -> Tensor:
        scores_B3: Tensor = classifier(*inputs)
        loss = F.cross_entropy(scores_B3, torch.arange(len(scores_B3)) % 3)
        optimizer.adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.set_update(0)
        optimizer.clip()
        optimizer.adam.step()
        return scores_B3.detach().argmax(1)

    return step


def _prediction(classifier: Classifier) -> Step:
    classifier.eval()

    def step(inputs: Inputs) -> Tensor:
        with torch.inference_mode():
            scores_B3: Tensor = classifier(*inputs)
            return scores_B3.argmax(1)

    return step


def _pairs(
    steps: dict[str, Step], rows: int, config: PipelineConfig, rounds: int
) -> dict[str, Any]:
    """CPU seconds of each variant by round, and the number of rows with equal labels."""
    random = np.random.default_rng(0)
    seconds: dict[str, list[float]] = {variant: [] for variant in steps}
    equal = 0
    for number in range(rounds + 1):
        inputs, labels = _inputs(rows, config, random), {}
        for variant in list(steps)[:: -1 if number % 2 else 1]:
            torch.manual_seed(number)
            began = time.process_time()
            labels[variant] = steps[variant](inputs)
            if number:  # the first round warms up
                seconds[variant].append(time.process_time() - began)
        if number:
            equal += int((labels[FULL] == labels[FIRST]).sum())
    ratios = [b / a for a, b in zip(seconds[FULL], seconds[FIRST], strict=True)]
    return {
        "cpu_seconds": seconds,
        "median_ratio": statistics.median(ratios),
        "equal_labels": equal,
        "labels": rows * rounds,
    }


def _inputs(rows: int, config: PipelineConfig, random: np.random.Generator) -> Inputs:
    drawn = random.normal(MEAN_TOKENS, SPREAD_TOKENS, rows).round().astype(np.int64)
    lengths_B = torch.from_numpy(drawn.clip(LEAST_TOKENS, 2 * config.finetune.max_tokens - 1))
    width = int(lengths_B.max())
    ids = random.integers(NUM_SPECIAL_TOKENS, config.vocabulary.size, (rows, width))
    attention_mask_BT = torch.arange(width)[None] < lengths_B[:, None]
    tokens_BT = torch.from_numpy(ids).masked_fill(~attention_mask_BT, PAD)
    return tokens_BT, torch.full_like(tokens_BT, 4), attention_mask_BT


def render(record: dict[str, Any]) -> str:
    """The table of the page."""
    rows = []
    for name, run in record["runs"].items():
        full, first = (
            1000 * statistics.median(run["cpu_seconds"][variant]) for variant in (FULL, FIRST)
        )
        rows.append(
            [name, f"{full:.0f} ms", f"{first:.0f} ms", f"{run['median_ratio']:.2f}",
             f"{run['equal_labels']:,} of {run['labels']:,}"]
        )  # fmt: skip
    return table(["step of mini15, CPU time", FULL, FIRST, "ratio", "equal labels"], rows)


if __name__ == "__main__":
    main()
