"""Scores of one fine-tuned model on the dev rows of each language: `dev.json` of a score artifact.

run_scoring(job, group)  # writes dev.json and predictions/sw.dev.tsv to job.out
read_dev_scores(scored)["sw"].accuracy
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

DEV_SCORES_FILE = "dev.json"


@dataclass(frozen=True)
class DevScore:
    """How many dev rows of a language the model labels correctly."""

    n: int
    correct: int

    @property
    def accuracy(self) -> float:
        """The share of correct rows, from 0 to 1."""
        return self.correct / self.n


def write_dev_scores(directory: Path, scores: Mapping[str, DevScore]) -> None:
    """Write the scores by language."""
    text = json.dumps({code: asdict(score) for code, score in scores.items()}, indent=1)
    (directory / DEV_SCORES_FILE).write_text(text + "\n", encoding="utf-8")


def read_dev_scores(directory: Path) -> dict[str, DevScore]:
    """Read the scores of a score artifact, by language."""
    content = json.loads((directory / DEV_SCORES_FILE).read_text(encoding="utf-8"))
    return {code: DevScore(**score) for code, score in content.items()}
