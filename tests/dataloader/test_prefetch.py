"""Prefetched batches equal the loader's, errors reach the caller, no thread is left running."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.tiny_world import LANGUAGES, TinyWorld, tiny_model, tiny_pretraining
from xlm.bpe.vocabulary import load_vocabulary
from xlm.dataloader.batch import Batch
from xlm.dataloader.data import open_training_data
from xlm.dataloader.loader import BatchLoader, prefetched_batches
from xlm.errors import DataError
from xlm.model.formats.description import ModelDescription
from xlm.processes.prefetch import Prefetcher


def loader_of(world: TinyWorld, folder: Path) -> BatchLoader:
    vocabulary = load_vocabulary(world.vocabulary)
    description = ModelDescription(
        model=tiny_model(),
        languages=LANGUAGES,
        vocabulary_size=vocabulary.size,
        vocabulary_hash=vocabulary.hash,
    )
    config = tiny_pretraining()
    data = open_training_data(world.mono, world.pairs, config, description, folder)
    return BatchLoader(data, config, description, vocabulary.counts)


def test_prefetched_batches_and_states_are_those_of_the_loader(
    world: TinyWorld, tmp_path: Path
) -> None:
    plain, other = (loader_of(world, tmp_path) for _ in range(2))
    with Prefetcher(prefetched_batches(loader_of(world, tmp_path)), most=2) as batches:
        for _, ready in zip(range(25), batches, strict=False):
            expected = plain.next_batch()
            np.testing.assert_array_equal(ready.batch.tokens_BT, expected.tokens_BT)
            assert ready.state == plain.state_dict()
    other.load_state_dict(ready.state)
    np.testing.assert_array_equal(other.next_batch().tokens_BT, plain.next_batch().tokens_BT)


def test_errors_of_the_loader_are_raised_where_its_batches_are_taken(
    world: TinyWorld, tmp_path: Path
) -> None:
    broken = loader_of(world, tmp_path)
    make = broken.next_batch
    made = 0

    def next_batch() -> Batch:
        nonlocal made
        made += 1
        if made == 3:
            raise DataError("the ids were cut short", fix="rebuild the shards")
        return make()

    broken.next_batch = next_batch  # type: ignore[method-assign]
    with Prefetcher(prefetched_batches(broken), most=2) as prefetched:
        batches = iter(prefetched)
        next(batches)
        next(batches)
        with pytest.raises(DataError, match="cut short"):
            next(batches)


def test_no_thread_is_left_and_at_most_two_batches_are_prefetched(
    world: TinyWorld, tmp_path: Path
) -> None:
    counted = loader_of(world, tmp_path)
    with Prefetcher(prefetched_batches(counted), most=2, name="batches"):
        deadline = time.monotonic() + 60
        while counted.state_dict()["update"] < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        assert counted.state_dict()["update"] == 2
    assert all(thread.name != "batches" for thread in threading.enumerate())
