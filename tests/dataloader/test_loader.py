"""Training batches from disk equal the reference in memory, from any update on."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.dataloader.in_memory import batches_in_memory
from tests.shards.rows import HASH, VOCABULARY, lines_of, write_rows
from tests.tiny_world import TinyWorld, tiny_model, tiny_pretraining
from xlm.bpe.vocabulary import load_vocabulary
from xlm.config.training.pretrain import PretrainConfig
from xlm.dataloader.batch import Batch
from xlm.dataloader.data import open_training_data
from xlm.dataloader.loader import BatchLoader
from xlm.dataloader.tasks import pair_tasks
from xlm.errors import DataError
from xlm.model.formats.description import ModelDescription

COUNTS = VOCABULARY.counts


def described(positions: int = 64) -> ModelDescription:
    return ModelDescription(
        model=tiny_model(max_positions=positions),
        languages=("en", "fr", "sw"),
        vocabulary_size=VOCABULARY.size,
        vocabulary_hash=HASH,
    )


def arrays(batch: Batch) -> dict[str, NDArray[np.generic]]:
    values = {**vars(batch), **vars(batch.predicted)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def assert_same_batch(found: Batch, expected: Batch) -> None:
    ours, theirs = arrays(found), arrays(expected)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert array.dtype == theirs[name].dtype
        np.testing.assert_array_equal(array, theirs[name])


@pytest.mark.parametrize("languages_per_batch", [1, 2])
def test_batches_of_the_tiny_world_equal_the_reference(
    world: TinyWorld, tmp_path: Path, languages_per_batch: int
) -> None:
    vocabulary = load_vocabulary(world.vocabulary)
    description = ModelDescription(
        model=tiny_model(),
        languages=("en", "fr", "sw"),
        vocabulary_size=vocabulary.size,
        vocabulary_hash=vocabulary.hash,
    )
    config = tiny_pretraining(languages_per_batch=languages_per_batch)
    data = open_training_data(world.mono, world.pairs, config, description, tmp_path)
    loader = BatchLoader(data, config, description, vocabulary.counts)
    expected = batches_in_memory(world.mono, world.pairs, config, description, vocabulary.counts)
    for batch in islice(expected, 200):  # several epochs of every task
        assert_same_batch(loader.next_batch(), batch)
    assert min(state["epoch"] for state in loader.state_dict()["samplers"].values()) >= 1


ROWS = st.lists(st.lists(st.integers(14, 1013), max_size=12), min_size=1, max_size=30)
PAIRS = st.lists(
    st.tuples(*[st.lists(st.integers(14, 1013), min_size=1, max_size=9)] * 2),
    min_size=1,
    max_size=90,
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    mono=st.tuples(ROWS, ROWS),
    pairs=PAIRS,
    shards=st.integers(1, 3),
    row_group_tokens=st.integers(1, 60),
    rows=st.sampled_from([2, 4, 6]),
    tokens=st.integers(4, 9),
    budget=st.integers(16, 80),
    stopped=st.integers(0, 12),
    seed=st.integers(0, 3),
)
def test_batches_of_any_lines_equal_the_reference_from_any_update_on(
    tmp_path_factory: pytest.TempPathFactory,
    mono: tuple[list[list[int]], list[list[int]]],
    pairs: list[tuple[list[int], list[int]]],
    shards: int,
    row_group_tokens: int,
    rows: int,
    tokens: int,
    budget: int,
    stopped: int,
    seed: int,
) -> None:
    folder = tmp_path_factory.mktemp("data")
    layout = {"shards": shards, "row_group_tokens": row_group_tokens}
    directories = {
        code: write_rows(folder / code, lines_of(lines), languages=(code,), **layout)  # type: ignore[arg-type]
        for code, lines in zip(("en", "sw"), mono, strict=True)
    }
    sides = [lines_of([pair[side] for pair in pairs]) for side in range(2)]
    pair = {
        "en-sw": write_rows(
            folder / "en-sw",
            *sides,
            kind="pair",
            languages=("en", "sw"),
            **layout,  # type: ignore[arg-type]
        )
    }
    config = PretrainConfig(
        stream_rows=rows, stream_tokens=tokens, pair_tokens=budget, languages_per_batch=2,
        pair_max_tokens=8, seed=seed,
    )  # fmt: skip
    description = described()
    if not any(len(a) <= 8 and len(b) <= 8 for a, b in pairs):
        config = config.model_copy(update={"objectives": ("mlm",)})
        pair = {}

    def new_loader() -> BatchLoader:
        data = open_training_data(directories, pair, config, description, folder / "ids")
        return BatchLoader(data, config, description, COUNTS)

    every = list(islice(batches_in_memory(directories, pair, config, description, COUNTS), 24))
    first = new_loader()
    for batch in every[:stopped]:
        assert_same_batch(first.next_batch(), batch)
    saved = json.loads(json.dumps(first.state_dict()))
    again = new_loader()
    again.load_state_dict(saved)
    for batch in every[stopped:]:
        assert_same_batch(again.next_batch(), batch)


def test_pairs_longer_than_the_position_table_are_left_out(tmp_path: Path) -> None:
    """Otherwise their positions would be capped silently."""
    first, second = lines_of([[20] * 8, [20] * 9, [20]]), lines_of([[30], [30], [30] * 9])
    pairs = {"en-sw": write_rows(tmp_path, first, second, kind="pair", languages=("en", "sw"))}
    description = described(positions=10)
    data = open_training_data({}, pairs, PretrainConfig(), description, tmp_path / "ids")
    tasks = pair_tasks(data, PretrainConfig(), description.language_id, positions=10)
    assert [task.lines for task in tasks] == [1, 1]
    assert [task.tokens for task in tasks] == [13, 13]
    sequences = [task.next_sequences() for task in tasks]
    assert sequences[0].positions_BT is not None
    assert sequences[0].positions_BT.tolist() == [[*range(10), *range(3)]]
    assert sequences[1].tokens_BT.tolist() == [[1, 30, 1, 1, *[20] * 8, 1]]
    assert sequences[1].languages_BT.tolist() == [[2] * 3 + [0] * 10]


def test_flat_files_are_written_for_used_objectives_only(tmp_path: Path) -> None:
    mono = {"sw": write_rows(tmp_path / "sw", lines_of([[20]]))}
    config = PretrainConfig(objectives=("mlm",))
    absent = {"en-sw": tmp_path / "nowhere"}
    data = open_training_data(mono, absent, config, described(), tmp_path / "ids")
    assert not data.pairs
    assert sorted(path.name for path in (tmp_path / "ids").iterdir()) == [
        "sw.ids", "sw.json", "sw.lock",
    ]  # fmt: skip


def test_shards_of_another_vocabulary_are_refused_with_both_hashes(tmp_path: Path) -> None:
    mono = {"sw": write_rows(tmp_path / "sw", lines_of([[20]]))}
    other = described().model_copy(update={"vocabulary_hash": "f" * 64})
    with pytest.raises(DataError) as caught:
        open_training_data(mono, {}, PretrainConfig(), other, tmp_path / "ids")
    assert HASH in str(caught.value)
    assert "f" * 64 in str(caught.value)
