"""Checks that training can start from another model: settings, shapes and vocabulary.

    require_fitting_source(config.model, Path("mlm_tlm_xnli15_1024.pth"))

Plans run this check before any stage runs, so it reads no numbers of the weights.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xlm.config.training.model import ModelConfig
from xlm.errors import DataError, TrainingError
from xlm.model.formats.description import read_description
from xlm.model.formats.hugging_face.settings import hugging_face_settings
from xlm.model.formats.source_files import CONFIG_FILE, kind_of, read_json

_SETTINGS = {"layers": "n_layers", "dimension": "emb_dim", "heads": "n_heads"}
"""The sizes that must be equal, and their names in the original."""
_LARGEST = 2**31


def require_fitting_source(model: ModelConfig, source: Path) -> None:
    """Check that the source has the sizes of the model to train.

    Raises:
        DataError: the source cannot be read, a size is not an integer, or its settings, weights and
            vocabulary are inconsistent.
        TrainingError: a size differs, or the source has no vocabulary.
    """
    require_sizes(model, _sizes(source), str(source))
    from xlm.model.formats.sources import read_model  # imports torch, which other plans do not need

    found = read_model(source, sizes_only=True)
    if found.vocabulary is None and not found.description.vocabulary_hash:
        raise missing_vocabulary(str(source))


def require_encoder(source: Path, languages: Sequence[str]) -> None:
    """Check that a model can be fine-tuned as it is.

    Raises:
        DataError: the source cannot be read, or its settings, weights and vocabulary are
            inconsistent.
        TrainingError: the source lacks a language, or has no vocabulary.
    """
    from xlm.model.formats.sources import read_model

    found = read_model(source, sizes_only=True)
    if found.vocabulary is None:
        raise missing_vocabulary(str(source))
    known = found.description.languages
    if missing := [code for code in languages if code not in known]:
        shared = [code for code in languages if code in known]
        fix = f"use --languages {','.join(shared)}" if shared else "use languages of the model"
        raise TrainingError(
            f"finetune.encoder: {source} has the languages {' '.join(known)}, not {missing[0]}",
            fix=fix,
        )


def require_sizes(model: ModelConfig, found: Mapping[str, object], where: str) -> None:
    """Check layers, dimension and heads; tokens, positions and languages may differ.

    Raises:
        DataError: a size is not an integer.
        TrainingError: a size differs.
    """
    other: dict[str, int] = {}
    for name in _SETTINGS:
        theirs = found.get(name, 0)
        if type(theirs) is not int or not 0 <= theirs < _LARGEST:
            raise DataError(
                f"{where}: its {name} is not an integer below {_LARGEST:,}",
                fix="use a model with valid settings",
            )
        if getattr(model, name) != theirs:
            other[name] = theirs
    if other:
        theirs_text = ", ".join(f"{name} {size}" for name, size in other.items())
        mine_text = ", ".join(str(getattr(model, name)) for name in other)
        raise TrainingError(
            f"warm start: {where} has {theirs_text}, but the model to train has {mine_text}",
            fix="set " + ", ".join(f"model.{name}={size}" for name, size in other.items()),
        )


def missing_vocabulary(where: str) -> TrainingError:
    """The error for a source without a vocabulary."""
    return TrainingError(
        f"warm start: {where} has no vocabulary that maps its rows to tokens",
        fix="add it: xlm convert SOURCE OUT --to xlm --vocabulary DIR",
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
        raise DataError(f"{source} has no setting {', '.join(absent)}", fix="use another model")
    return {ours: settings[theirs] for ours, theirs in _SETTINGS.items()}
