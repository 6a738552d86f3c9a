"""The kind of a model at a path, the files that are read of it, and its identity by contents.

    kind_of(Path("mlm_tlm_xnli15_1024.pth"))     # "original"
    identity_of(Path("xlm-roots"))               # "hugging-face 5f0c..."

The identity is part of the key of a run that starts from a model: another file at the same path
changes the key, the same bytes at another path do not. This module does not import torch, because
plans use it.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from xlm.errors import DataError
from xlm.store.disk.hashing import cached_file_sha256
from xlm.store.integrity.presence import is_present

Kind = Literal["original", "hugging-face", "xlm"]

CONFIG_FILE = "config.json"
SAFETENSORS_FILE = "model.safetensors"
PICKLED_FILE = "pytorch_model.bin"
ONNX_FILE = "model.onnx"
VOCAB_JSON_FILE = "vocab.json"
"""Hugging Face's vocabulary: ids by token."""
ADDED_TOKENS_FILE = "added_tokens.json"
TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json", "tokenizer.json")
"""Files with the tokens that were added to a tokenizer: an older format, and newer ones."""
_ADDED_FIELDS = (
    "added_tokens_decoder", "added_tokens", "additional_special_tokens", "extra_special_tokens",
)  # fmt: skip
VOCABULARY_FILE = "vocabulary.json"
"""Our vocabulary, with counts and hashes."""

_OURS = "vocabulary_hash"
"""A setting that only our config.json has."""
_SHOWN_FOLDERS = 4
_FIX = "use a .pth file of the original, a Hugging Face folder, or one of our model artifacts"


def kind_of(path: Path) -> Kind:
    """The kind of the model at a path, from file names and `config.json` alone.

    Raises:
        DataError: there is nothing at the path, or it is not a model.
    """
    try:
        path.stat()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist", fix=_FIX) from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", fix=_FIX) from None
    if not path.is_dir():
        if not path.is_file():
            raise DataError(f"{path} is not a regular file", fix=_FIX)
        if path.suffix == ".safetensors" or path.name == PICKLED_FILE:
            raise DataError(
                f"{path} contains weights alone, without settings",
                fix="use the folder that it is in",
            )
        return "original"
    if not is_present(path / CONFIG_FILE):
        _refuse_parent(path)
        raise _absent(path / CONFIG_FILE)
    if _OURS in read_json(path / CONFIG_FILE):
        if not is_present(path / SAFETENSORS_FILE):
            raise _absent(path / SAFETENSORS_FILE)
        return "xlm"
    _refuse_added_tokens(path)
    return "hugging-face"


def _absent(path: Path) -> DataError:
    is_special = path.exists() and not path.is_file()
    problem = "is not a regular file" if is_special else "does not exist"
    return DataError(f"{path} {problem}", fix=_FIX)


def _refuse_parent(folder: Path) -> None:
    """Suggest the models inside a folder that is not a model: a publish artifact has two."""
    for depth in ("*", "*/*"):
        configs = filter(is_present, folder.glob(f"{depth}/{CONFIG_FILE}"))
        inside = sorted(str(file.parent.relative_to(folder)) for file in configs)[:_SHOWN_FOLDERS]
        if inside:
            raise DataError(
                f"{folder} is not a model, but contains {' and '.join(inside)}",
                fix=f"use one of them: {folder / inside[0]}",
            )


def _refuse_added_tokens(folder: Path) -> None:
    vocabulary = folder / VOCAB_JSON_FILE
    if not is_present(vocabulary):
        return
    added = sorted(_added_tokens(folder) - set(read_json(vocabulary)))
    if added:
        more = f" and {len(added) - 3} more" if len(added) > 3 else ""
        raise DataError(
            f"{folder}: tokens were added to its tokenizer: "
            f"{', '.join(map(repr, added[:3]))}{more}",
            fix="use the model from before they were added",
        )


def _added_tokens(folder: Path) -> set[str]:
    """All tokens that transformers stores outside of the vocabulary."""
    found: list[object] = []
    if is_present(folder / ADDED_TOKENS_FILE):
        found += read_json(folder / ADDED_TOKENS_FILE)
    for name in TOKENIZER_FILES:
        content = read_json(folder / name) if is_present(folder / name) else {}
        for field in _ADDED_FIELDS:
            entries = content.get(field)
            found += entries.values() if isinstance(entries, dict) else entries or ()
    contents = (entry.get("content") if isinstance(entry, dict) else entry for entry in found)
    return {content for content in contents if isinstance(content, str)}


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        DataError: the file does not exist, or is not a JSON object.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path} does not exist", fix=_FIX) from None
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise DataError(f"{path} is not readable JSON: {reason}", fix="download it again") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} is not a JSON object", fix="download it again")
    return content


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The weight files of a Hugging Face folder, in transformers' order of preference.

    Raises:
        DataError: there are no weight files, or an index names a file outside the folder.
    """
    for name in (SAFETENSORS_FILE, PICKLED_FILE):
        if is_present(folder / name):
            return (folder / name,)
        index = folder / f"{name}.index.json"
        if is_present(index):
            return tuple(_shards(index))
    if is_present(folder / ONNX_FILE):
        raise DataError(
            f"{folder} contains an ONNX file, which cannot be converted back",
            fix="use the model that it was made from",
        )
    raise DataError(
        f"{folder} contains neither {SAFETENSORS_FILE} nor {PICKLED_FILE}", fix="download it again"
    )


def source_files(path: Path) -> tuple[Path, ...]:
    """Every file that is read of a model.

    Raises:
        DataError: there is no model.
    """
    kind = kind_of(path)
    if kind == "original":
        return (path,)
    if kind == "xlm":
        # config.json has the hash of the vocabulary, so the vocabulary's file does not matter.
        return (path / CONFIG_FILE, path / SAFETENSORS_FILE)
    weights = weight_files(path)
    indices = [path / f"{name}.index.json" for name in (SAFETENSORS_FILE, PICKLED_FILE)]
    used = [index for index in indices if len(weights) > 1 and is_present(index)]
    vocabularies = [path / name for name in (VOCAB_JSON_FILE, VOCABULARY_FILE)]
    present = [file for file in vocabularies if is_present(file)]
    return (path / CONFIG_FILE, *used, *weights, *present)


def identity_of(path: Path) -> str:
    """Kind and sha256 of a model's contents; its path and the name of a `.pth` do not matter.

    Raises:
        DataError: there is no model, or one of its files is missing.
    """
    kind = kind_of(path)
    total = hashlib.sha256()
    for file in source_files(path):
        try:
            digest = cached_file_sha256(file)
        except OSError as error:
            raise DataError(f"{file}: {error.strerror}", fix=_FIX) from None
        name = "" if kind == "original" else file.name
        total.update(f"{name}\0{digest}\n".encode())
    return f"{kind} {total.hexdigest()}"


def _shards(index: Path) -> Iterator[Path]:
    names = read_json(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise DataError(f"{index} has no weight_map", fix="download it again")
    for name in sorted({str(name) for name in names.values()}):
        # A name with a folder in it could refer to any file of the machine.
        if Path(name).name != name or not is_present(index.parent / name):
            raise DataError(
                f"{index} names {name!r}, which is not in its folder", fix="download it again"
            )
        yield index.parent / name
