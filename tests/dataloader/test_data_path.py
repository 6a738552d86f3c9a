"""The example of docs/explanation/data-path.md runs, and its table names the types of the code."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.repository import REPOSITORY
from tests.tiny_world import LANGUAGES, TinyWorld, tiny_model, tiny_pretraining
from xlm.bpe.vocabulary import load_vocabulary
from xlm.model.formats.description import ModelDescription

PAGE = REPOSITORY / "docs" / "explanation" / "data-path.md"


@pytest.fixture
def example() -> dict[str, Any]:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    return names


@pytest.mark.slow
@pytest.mark.parametrize("masking", ["batch", "rows"])
def test_the_example_of_the_page(
    example: dict[str, Any], world: TinyWorld, tmp_path: Path, masking: str
) -> None:
    vocabulary = load_vocabulary(world.vocabulary)
    description = ModelDescription(
        model=tiny_model(),
        languages=LANGUAGES,
        vocabulary_size=vocabulary.size,
        vocabulary_hash=vocabulary.hash,
    )
    config = tiny_pretraining(objectives=("mlm",), masking=masking)
    losses = example["losses_of_three_updates"](
        world.mono, vocabulary, config, description, tmp_path / "ids"
    )
    assert len(losses) == 3
    assert all(one.ndim == 1 and len(one) and torch.isfinite(one).all() for one in losses)


def test_the_types_of_the_page_exist() -> None:
    page = PAGE.read_text(encoding="utf-8").replace("`BatchLoader` (`xlm", "`xlm")
    types = set(re.findall(r"`([A-Z][A-Za-z]*[a-z])`", page))
    assert {"Sequences", "MaskedTokens", "Batch", "DeviceBatch", "PackedBatch"} <= types
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for room in ("dataloader", "model", "training")
        for path in (REPOSITORY / "xlm" / room).rglob("*.py")
    )
    assert {name for name in types if f"class {name}" not in source} == set()
