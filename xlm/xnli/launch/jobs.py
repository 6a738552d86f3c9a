"""What fine-tuning and evaluation processes are told: one JSON file each."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from xlm.config.training.pretrain import PretrainConfig
from xlm.config.training.xnli import EvaluateConfig, FinetuneConfig
from xlm.engine.config import Config


class FinetuneJob(Config):
    """Configuration, inputs and places of one fine-tuning."""

    kind: Literal["finetune"] = "finetune"
    finetune: FinetuneConfig = Field(description="Batches, schedule, selection, aids.")
    pretrain: PretrainConfig | None = Field(description="Mixed-in batches; none when off.")
    encoder: Path = Field(description="Directory of the pretrain artifact.")
    vocabulary: Path = Field(description="Directory of the vocabulary artifact.")
    xnli: dict[str, Path] = Field(description="Directories of XNLI shards by language.")
    mono: dict[str, Path] = Field(description="Directories of shards by language, for mixing.")
    pairs: dict[str, Path] = Field(description="Directories of shards by pair, for mixing.")
    scratch: Path = Field(description="Directory of finished restarts; survives a kill.")
    out: Path = Field(description="Directory of the published files.")
    logs: Path = Field(description="Directory of measured values.")


class EvaluateJob(Config):
    """Configuration, inputs and places of one evaluation."""

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
    scratch: Path = Field(description="Directory of the parts that each process measured.")
    out: Path = Field(description="Directory of the published files.")
    logs: Path = Field(description="Directory of measured values.")
