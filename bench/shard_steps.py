"""Measure the share of the batch in a training step, for models of two profiles on one thread."""

import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from shard_inputs import some

from xlm.bpe.vocabulary import NUM_SPECIAL_TOKENS, Vocabulary
from xlm.config.reading.resolve import resolve
from xlm.dataloader.data import open_training_data
from xlm.dataloader.device_batch import to_device
from xlm.dataloader.loader import BatchLoader
from xlm.dataloader.tasks import TrainingTask
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.initialise import initialise
from xlm.shards.lines import Lines
from xlm.shards.writer import ShardWriter
from xlm.training.loss import MaskedLoss
from xlm.training.optimizer import build_optimizer

MODELS = {
    "sample's batches, 2 layers, 64 dimensions": ("sample", {"layers": 2, "dimension": 64}),
    "mini15": ("mini15", {}),
}
LINES = 3000
SECONDS = 20.0
"""Training time of each model."""


def loader_shares(lines: Lines, vocabulary: Vocabulary, folder: Path) -> list[dict[str, Any]]:
    """Measure median CPU seconds of a step, of making its batch, and of reading its rows."""
    torch.set_num_threads(1)
    found = []
    for number, (name, (profile, changes)) in enumerate(MODELS.items()):
        directory = folder / str(number)
        found.append({"model": name, **_share(lines, vocabulary, profile, changes, directory)})
    return found


def _share(
    lines: Lines, vocabulary: Vocabulary, profile: str, changes: dict[str, int], folder: Path
) -> dict[str, float]:
    config = resolve(profile)
    lines, vocabulary = _cut(lines, vocabulary, config.vocabulary.size)
    model, pretrain = config.model.model_copy(update=changes), config.pretrain
    description = ModelDescription(
        model=model,
        languages=tuple(config.languages),
        vocabulary_size=vocabulary.size,
        vocabulary_hash=vocabulary.hash,
    )
    mono, pairs = _write_data(lines, vocabulary, description.languages, folder)
    data = open_training_data(mono, pairs, pretrain, description, folder / "ids")
    loader = BatchLoader(data, pretrain, description, vocabulary.counts)
    encoder = Encoder(description)
    initialise(encoder, 0)
    loss = MaskedLoss(encoder)
    optimizer = build_optimizer(
        encoder.named_parameters(), pretrain.optimizer, pretrain.schedule, pretrain.updates
    )
    reads: list[float] = []
    loader.tasks = [_timed(task, reads) for task in loader.tasks]
    seconds: dict[str, list[float]] = {"step": [], "batch": [], "read": []}
    while sum(seconds["step"]) < SECONDS:
        reads.clear()
        start = time.process_time()
        batch = loader.next_batch()
        batch_ready = time.process_time()
        losses_N = loss(*to_device(batch, torch.device("cpu")))
        optimizer.adam.zero_grad()
        (losses_N.sum() / max(len(losses_N), 1)).backward()
        optimizer.set_update(len(seconds["step"]))
        optimizer.clip()
        optimizer.adam.step()
        end = time.process_time()
        for name, spent in (
            ("step", end - start),
            ("batch", batch_ready - start),
            ("read", sum(reads)),
        ):
            seconds[name].append(spent)
    return {name: statistics.median(spent) for name, spent in seconds.items()}


def _timed(task: TrainingTask, reads: list[float]) -> TrainingTask:
    """Return the task with a `read` that records its seconds."""

    def read(item: Any) -> Any:
        start = time.process_time()
        found = task.read(item)
        reads.append(time.process_time() - start)
        return found

    return replace(task, read=read)


def _cut(lines: Lines, vocabulary: Vocabulary, size: int) -> tuple[Lines, Vocabulary]:
    """Map ids into a vocabulary of the size of the profile, which determines the cost of a step."""
    ids = NUM_SPECIAL_TOKENS + (lines.ids - NUM_SPECIAL_TOKENS) % (size - NUM_SPECIAL_TOKENS)
    cut = Vocabulary(vocabulary.tokens[:size], vocabulary.token_counts[:size])
    return Lines(ids.astype(np.int32), lines.offsets), cut


def _write_data(
    lines: Lines, vocabulary: Vocabulary, languages: tuple[str, ...], folder: Path
) -> tuple[dict[str, Path], dict[str, Path]]:
    mono, pairs = {}, {}
    for seed, code in enumerate(languages):
        mono[code] = _shard([some(lines, LINES, seed)], (code,), vocabulary, folder / code)
        if code != "en":
            both = tuple(sorted(("en", code)))
            sides = [some(lines, LINES, 100 + 2 * seed + side) for side in range(2)]
            pairs["-".join(both)] = _shard(sides, both, vocabulary, folder / "-".join(both))
    return mono, pairs


def _shard(
    columns: list[Lines], languages: tuple[str, ...], vocabulary: Vocabulary, folder: Path
) -> Path:
    folder.mkdir(parents=True)
    with ShardWriter(
        folder / "train.00000.parquet", kind="mono" if len(columns) == 1 else "pair",
        languages=languages, split="train", vocabulary=vocabulary,
        row_group_tokens=1_000_000, compression_level=3,
    ) as writer:  # fmt: skip
        writer.write(columns)
    return folder
