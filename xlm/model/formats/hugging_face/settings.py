"""The settings of a Hugging Face `config.json`, by the original's names.

hugging_face_settings({"hidden_size": 1024})["emb_dim"] == 1024
"""

from collections.abc import Mapping
from typing import Any

_DEFAULTS: Mapping[str, Any] = {
    "emb_dim": 2048,
    "n_layers": 12,
    "n_heads": 16,
    "gelu_activation": True,
    "n_langs": 1,
}
"""Defaults of transformers' XLMConfig, for settings that a config.json omits."""
_ALIASES = {
    "hidden_size": "emb_dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "vocab_size": "n_words",
}
"""transformers' names for any architecture, and the original's names of the same settings."""


def hugging_face_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Rename settings to the original's names and add transformers' defaults."""
    return {**_DEFAULTS, **{_ALIASES.get(name, name): value for name, value in config.items()}}
