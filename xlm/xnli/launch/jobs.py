"""The jobs of fine-tuning and evaluation processes: one JSON file each."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from xlm.config.training.pretrain import PretrainConfig
from xlm.config.training.xnli import EvaluateConfig, FinetuneConfig
from xlm.engine.config import Config


class FinetuneJob(Config):
    """Configuration, inputs and directories of one fine-tuning job."""

    kind: Literal["finetune"] = "finetune"
    finetune: FinetuneConfig = Field(description="Batches, schedule, selection, regularization.")
    pretrain: PretrainConfig | None = Field(
        description="Settings of the pretraining batches to mix in; null: mix in none."
    )
    encoder: Path = Field(description="Directory of the pretrain artifact.")
    vocabulary: Path = Field(description="Directory of the vocabulary artifact.")
    xnli: dict[str, Path] = Field(description="Directories of XNLI shards by language.")
    mono: dict[str, Path] = Field(description="Directories of shards by language, for mixing in.")
    pairs: dict[str, Path] = Field(description="Directories of shards by pair, for mixing in.")
    scratch: Path = Field(description="Directory of finished restarts; survives a kill.")
    out: Path = Field(description="Directory of the published files.")
    logs: Path = Field(description="Directory of measured values.")


class EvaluateJob(Config):
    """Configuration, inputs and directories of one evaluation job."""

    kind: Literal["evaluate"] = "evaluate"
    evaluate: EvaluateConfig = Field(description="Intervals, baselines, limits.")
    stream_tokens: int = Field(description="Tokens of one stream sequence, as in pretraining.")
    specials: bool = Field(description="Whether perplexity counts </s> and <unk>.")
    encoder: Path = Field(description="Directory of the pretrain artifact.")
    classifier: Path = Field(description="Directory of the finetune artifact.")
    vocabulary: Path = Field(description="Directory of the vocabulary artifact.")
    mono: dict[str, Path] = Field(description="Directories of shards by language.")
    pairs: dict[str, Path] = Field(description="Directories of shards by pair.")
    xnli: dict[str, Path] = Field(description="Directories of XNLI shards by language.")
    scratch: Path = Field(description="Directory of the results of each process.")
    out: Path = Field(description="Directory of the published files.")
    logs: Path = Field(description="Directory of measured values.")
