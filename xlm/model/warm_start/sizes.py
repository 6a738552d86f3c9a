"""Whether training can start from another model: its settings, shapes of weights and vocabulary.

    require_fitting_source(config.model, Path("mlm_tlm_xnli15_1024.pth"))

Plans ask before any stage runs, so no number of the weights is read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlm.config.training.model import ModelConfig
from xlm.errors import DataError, TrainingError
from xlm.model.formats.description import read_description
from xlm.model.formats.hugging_face.settings import hugging_face_settings
from xlm.model.formats.source_files import CONFIG_FILE, kind_of, read_json

_SETTINGS = {"layers": "n_layers", "dimension": "emb_dim", "heads": "n_heads"}
"""The sizes that must be equal, and the original's names of them."""
_LARGEST = 2**31


def require_fitting_source(model: ModelConfig, source: Path) -> None:
    """Refuse a source of other sizes than the model to train has.

    Raises:
        DataError: the source cannot be read, or a size of it is no whole number, or its settings,
            weights and vocabulary do not fit each other.
        TrainingError: a size differs, or nothing says what its ids mean.
    """
    require_sizes(model, _sizes(source), str(source))
    from xlm.model.formats.sources import read_model  # torch: only where a model is given

    found = read_model(source, sizes_only=True)
    if found.vocabulary is None and not found.description.vocabulary_hash:
        raise unnamed_tokens(str(source))


def require_sizes(model: ModelConfig, found: Mapping[str, object], where: str) -> None:
    """Refuse other layers, dimension or heads; tokens, positions and languages may differ.

    Raises:
        DataError: a size is no whole number.
        TrainingError: a size differs.
    """
    for name in _SETTINGS:
        mine, theirs = getattr(model, name), found.get(name, 0)
        if type(theirs) is not int or not 0 <= theirs < _LARGEST:
            raise DataError(
                f"{where}: its {name} is not a whole number below {_LARGEST:,}",
                fix="give a model whose settings are whole",
            )
        if mine != theirs:
            raise TrainingError(
                f"warm start: {where} has {name} {theirs}, the model to train {mine}",
                fix=f"set model.{name}={theirs}",
            )


def unnamed_tokens(where: str) -> TrainingError:
    """The error for a source without a vocabulary."""
    return TrainingError(
        f"warm start: nothing says which tokens the rows of {where} belong to",
        fix="name its vocabulary: xlm convert SOURCE OUT --to xlm --vocabulary DIR",
    )


def _sizes(source: Path) -> dict[str, object]:
    kind = kind_of(source)
    if kind == "xlm":
        return read_description(source).model.model_dump()
    settings: Mapping[str, Any]
    if kind == "hugging-face":
        settings = hugging_face_settings(read_json(source / CONFIG_FILE))
    else:
        from xlm.model.formats.original import read_params

        settings = read_params(source)
    absent = [name for name in _SETTINGS.values() if name not in settings]
    if absent:
        raise DataError(f"{source} does not say {', '.join(absent)}", fix="give another model")
    return {ours: settings[theirs] for ours, theirs in _SETTINGS.items()}
