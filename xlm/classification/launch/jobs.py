"""The jobs of fine-tuning, scoring and evaluation processes: one JSON file each."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from xlm.config.data.tasks import XNLI_LABELS
from xlm.config.training.classification import EvaluateConfig, FinetuneConfig
from xlm.config.training.pretrain import PretrainConfig
from xlm.training.launch.job import Job


class FinetuneJob(Job):
    """Fine-tuning with restarts. `mono` and `pairs` are for pretraining batches to mix in."""

    kind: Literal["finetune"] = "finetune"
    finetune: FinetuneConfig = Field(description="Batches, schedule, selection, regularization.")
    pretrain: PretrainConfig | None = Field(
        description="Settings of the pretraining batches to mix in; null: mix in none."
    )
    encoder: Path = Field(description="Directory of the pretrain artifact.")
    labels: tuple[str, ...] = Field(
        XNLI_LABELS, description="Labels by id; empty: those of the training rows, sorted."
    )
    train: tuple[str, ...] = Field(description="Languages whose training rows are used.")
    rows: dict[str, Path] = Field(description="Directories of labelled shards by language.")


class ScoreJob(Job):
    """Predictions of one fine-tuned model for dev rows."""

    kind: Literal["score"] = "score"
    device: Literal["cpu", "cuda"] = Field(description="Device of the process.")
    classifier: Path = Field(description="Directory of the finetune artifact.")
    vocabulary: Path = Field(description="Directory of the vocabulary artifact.")
    rows: dict[str, Path] = Field(description="Directories of labelled shards by language.")


class EvaluateJob(Job):
    """The evaluation of an encoder and its classifier."""

    kind: Literal["evaluate"] = "evaluate"
    evaluate: EvaluateConfig = Field(description="Intervals, baselines, limits.")
    stream_tokens: int = Field(description="Tokens of one stream sequence, as in pretraining.")
    specials: bool = Field(description="Whether perplexity counts </s> and <unk>.")
    encoder: Path = Field(description="Directory of the pretrain artifact.")
    task: str | None = Field(description="Name of the classification task; null without one.")
    selection: Path | None = Field(
        description="Directory of the select artifact; null without a task."
    )
    cells: dict[str, Path] = Field(description="Directories of finetune artifacts by cell.")
    train: tuple[str, ...] = Field(description="Languages of the training rows, for baselines.")
    rows: dict[str, Path] = Field(description="Directories of labelled shards by language.")
    translated: dict[str, Path] = Field(
        {}, description="Directories of shards of English translations of test rows, by language."
    )
