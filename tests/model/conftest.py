"""A small model description, and the content of a checkpoint."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.model.formats.portable_models import original_content, small_model
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.config.training.model import ModelConfig
from xlm.model.formats.description import ModelDescription

Describe = Callable[..., ModelDescription]


@pytest.fixture
def describe() -> Describe:
    """Build a small description; keyword arguments go to ModelConfig."""

    def build(
        languages: tuple[str, ...] = tuple(XNLI_LANGUAGES),
        vocabulary_size: int = 50,
        **model: object,
    ) -> ModelDescription:
        sizes = {"layers": 2, "dimension": 16, "heads": 4, "max_positions": 40, **model}
        return ModelDescription(
            model=ModelConfig.model_validate(sizes),
            languages=languages,
            vocabulary_size=vocabulary_size,
            vocabulary_hash="0123456789abcdef",
        )

    return build


@pytest.fixture
def content(tmp_path: Path) -> dict[str, Any]:
    """The content of a small model's checkpoint, for tests to change."""
    return original_content(small_model(), tmp_path)
