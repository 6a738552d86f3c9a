"""Sizes of vocabulary, model and training that fit an amount of text and a device.

    scale_of(text_bytes=60_000_000, languages=3, unspaced=0, device="cpu").codes   # 15_000

The rules follow the profiles of the package: `mini15` for a laptop, `xnli15` for GPUs, and the same
proportions between them.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

Device = Literal["cpu", "cuda"]

_MEGABYTE = 10**6
_CODES_PER_ROOT_MEGABYTE = 2_000
_LEAST_CODES = 200
_TOKENS_PER_LANGUAGE, _TOKENS_PER_UNSPACED_LANGUAGE = 1_000, 4_000
"""Room in the vocabulary for single characters; Chinese has thousands."""
_BYTES_PER_TOKEN = 5
_PASSES = 10
"""How often training reads the text, unless that is more than the largest number of updates."""


@dataclass(frozen=True)
class _Level:
    """Settings of one size of model, for text up to a size."""

    name: str
    most_text_bytes: float
    layers: int
    dimension: int
    heads: int
    learning_rate: float
    stream_tokens: int
    stream_rows: int
    pair_tokens: int
    least_updates: int
    most_updates: int
    most_codes: int


_LEVELS: dict[Device, tuple[_Level, ...]] = {
    "cpu": (
        _Level("tiny", 5 * _MEGABYTE, 2, 128, 4, 1e-3, 64, 16, 1000, 500, 2_000, 5_000),
        _Level("small", math.inf, 4, 256, 8, 1e-3, 128, 16, 2000, 1_000, 10_000, 20_000),
    ),
    "cuda": (
        _Level("small", 50 * _MEGABYTE, 4, 256, 8, 1e-3, 128, 64, 4000, 2_000, 20_000, 15_000),
        _Level(
            "medium", 2_000 * _MEGABYTE, 6, 512, 8, 5e-4, 256, 64, 8000, 10_000, 100_000, 60_000
        ),
        _Level("large", math.inf, 12, 1024, 8, 1e-4, 256, 256, 32000, 100_000, 200_000, 80_000),
    ),
}


@dataclass(frozen=True)
class Scale:
    """The sizes of a profile."""

    name: str
    codes: int
    vocabulary: int
    model: dict[str, Any]
    pretrain: dict[str, Any]
    finetune: dict[str, Any]
    split_fraction: float

    @property
    def parameters(self) -> int:
        """Approximate number of parameters of the encoder."""
        layers, dimension = int(self.model["layers"]), int(self.model["dimension"])
        return dimension * (self.vocabulary + 12 * layers * dimension)


def scale_of(*, text_bytes: int, languages: int, unspaced: int, device: Device) -> Scale:
    """The sizes for an amount of text.

    Args:
        text_bytes: all text in UTF-8, as far as it is known.
        languages: number of languages.
        unspaced: how many of them are written without spaces.
        device: where the model is trained.
    """
    level = next(one for one in _LEVELS[device] if text_bytes <= one.most_text_bytes)
    codes = _rounded(_CODES_PER_ROOT_MEGABYTE * math.sqrt(text_bytes / _MEGABYTE))
    codes = min(max(codes, _LEAST_CODES), level.most_codes)
    characters = (
        languages - unspaced
    ) * _TOKENS_PER_LANGUAGE + unspaced * _TOKENS_PER_UNSPACED_LANGUAGE
    tokens = text_bytes // _BYTES_PER_TOKEN
    updates = _PASSES * tokens // (level.stream_rows * level.stream_tokens)
    updates = _rounded(min(max(updates, level.least_updates), level.most_updates))
    return Scale(
        name=level.name,
        codes=codes,
        vocabulary=codes + min(max(codes, 500), characters),
        model={"layers": level.layers, "dimension": level.dimension, "heads": level.heads}
        | ({"attention_dropout": 0} if device == "cpu" else {}),
        pretrain=_pretrain(level, languages, updates, device),
        finetune=_finetune(level, device),
        split_fraction=0.05 if text_bytes < 100 * _MEGABYTE else 0.01,
    )


def _pretrain(level: _Level, languages: int, updates: int, device: Device) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "updates": updates,
        "stream_tokens": level.stream_tokens,
        "stream_rows": level.stream_rows,
        "pair_tokens": level.pair_tokens,
        "languages_per_batch": max(n for n in (1, 2, 4, 8) if n <= min(languages, 8)),
        "optimizer": {"learning_rate": level.learning_rate},
        "schedule": {"kind": "linear", "warmup_updates": max(updates // 20, 10)},
        "validation_updates": max(updates // 10, 50),
        "validation_max_chunks": 50,
        "validation_max_pairs": 200,
    }
    if device == "cuda":
        settings |= {"device": "cuda", "precision": "bf16", "micro_batch_tokens": 16_384}
    return settings


def _finetune(level: _Level, device: Device) -> dict[str, Any]:
    if level.name == "large":
        return {"device": "cuda"}
    updates = {"tiny": 400, "small": 600, "medium": 4_000}[level.name]
    settings: dict[str, Any] = {
        "updates": updates,
        "batch_pairs": 32,
        "max_tokens": 64,
        "optimizer": {"learning_rate": 2e-4},
        "schedule": {"kind": "linear", "warmup_updates": updates // 10},
        "evaluation_updates": updates // 4,
        "collapse": "report",
    }
    return settings | ({"device": "cuda"} if device == "cuda" else {})


def _rounded(number: float) -> int:
    """The number with two significant digits."""
    if number < 100:
        return round(number)
    unit: int = 10 ** (len(str(int(number))) - 2)
    return round(number / unit) * unit
