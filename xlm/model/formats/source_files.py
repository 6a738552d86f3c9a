"""Which kind of model lies at a path, which of its files are read, and their identity by contents.

    kind_of(Path("mlm_tlm_xnli15_1024.pth"))     # "original"
    identity_of(Path("xlm-roots"))               # "hugging-face 5f0c..."

The identity is in the key of what starts from a model: another file under the same path moves the
key, the same bytes elsewhere do not. No torch here: plans ask, too.
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
VOCAB_JSON_FILE = "vocab.json"
"""Hugging Face's vocabulary: id by piece."""
ADDED_TOKENS_FILE = "added_tokens.json"
TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json", "tokenizer.json")
"""Where Hugging Face keeps tokens that were added to a tokenizer: an older file, and newer ones."""
_ADDED_FIELDS = (
    "added_tokens_decoder", "added_tokens", "additional_special_tokens", "extra_special_tokens",
)  # fmt: skip
VOCABULARY_FILE = "vocabulary.json"
"""Ours, with counts and hashes."""

_OURS = "vocabulary_hash"
"""Key that only our config.json has."""
_SHOWN_FOLDERS = 4
_FIX = "give a .pth file of the original, a Hugging Face folder, or a model artifact of ours"


def kind_of(path: Path) -> Kind:
    """What lies there; only names and `config.json` are looked at.

    Raises:
        DataError: nothing, or nothing that could be a model.
    """
    try:
        path.stat()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist", fix=_FIX) from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", fix=_FIX) from None
    if not path.is_dir():
        if not path.is_file():
            raise DataError(f"{path} is no regular file", fix=_FIX)
        if path.suffix == ".safetensors" or path.name == PICKLED_FILE:
            raise DataError(f"{path} holds weights alone", fix="give the folder that it is in")
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
    odd = path.exists() and not path.is_file()
    return DataError(f"{path} {'is no regular file' if odd else 'does not exist'}", fix=_FIX)


def _refuse_parent(folder: Path) -> None:
    """Name the models inside a folder that is not one: a publish artifact holds two."""
    for depth in ("*", "*/*"):
        configs = filter(is_present, folder.glob(f"{depth}/{CONFIG_FILE}"))
        inside = sorted(str(file.parent.relative_to(folder)) for file in configs)[:_SHOWN_FOLDERS]
        if inside:
            raise DataError(
                f"{folder} is not a model, but holds {' and '.join(inside)}",
                fix=f"give one of them: {folder / inside[0]}",
            )


def _refuse_added_tokens(folder: Path) -> None:
    pieces = folder / VOCAB_JSON_FILE
    if not is_present(pieces):
        return
    added = sorted(_added_tokens(folder) - set(read_json(pieces)))
    if added:
        more = f" and {len(added) - 3} more" if len(added) > 3 else ""
        raise DataError(
            f"{folder} has tokens that were added to its tokenizer: "
            f"{', '.join(map(repr, added[:3]))}{more}",
            fix="give the model as it was before they were added",
        )


def _added_tokens(folder: Path) -> set[str]:
    """Contents of all tokens that transformers keeps apart from the vocabulary."""
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
    """A JSON object of a model folder.

    Raises:
        DataError: there is no such file, or it holds something else.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path} does not exist", fix=_FIX) from None
    except (OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise DataError(f"{path} is not readable JSON: {reason}", fix="fetch it again") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} is not a JSON object", fix="fetch it again")
    return content


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The files of weights that a Hugging Face folder has, in transformers' order of preference.

    Raises:
        DataError: it has none, or an index that names what is not in the folder.
    """
    for name in (SAFETENSORS_FILE, PICKLED_FILE):
        if is_present(folder / name):
            return (folder / name,)
        index = folder / f"{name}.index.json"
        if is_present(index):
            return tuple(_shards(index))
    raise DataError(
        f"{folder} holds no {SAFETENSORS_FILE} and no {PICKLED_FILE}", fix="fetch it again"
    )


def source_files(path: Path) -> tuple[Path, ...]:
    """Every file whose contents decide what is read from a model.

    Raises:
        DataError: there is no model.
    """
    kind = kind_of(path)
    if kind == "original":
        return (path,)
    if kind == "xlm":
        # Its vocabulary is told by the hash in config.json, wherever its tokens are found.
        return (path / CONFIG_FILE, path / SAFETENSORS_FILE)
    weights = weight_files(path)
    indices = [path / f"{name}.index.json" for name in (SAFETENSORS_FILE, PICKLED_FILE)]
    used = [index for index in indices if len(weights) > 1 and is_present(index)]
    vocabularies = [path / name for name in (VOCAB_JSON_FILE, VOCABULARY_FILE)]
    present = [file for file in vocabularies if is_present(file)]
    return (path / CONFIG_FILE, *used, *weights, *present)


def identity_of(path: Path) -> str:
    """Kind and sha256 of a model by its contents; neither its path nor a `.pth`'s name counts.

    Raises:
        DataError: there is no model, or a file of it is missing.
    """
    kind = kind_of(path)
    whole = hashlib.sha256()
    for file in source_files(path):
        try:
            digest = cached_file_sha256(file)
        except OSError as error:
            raise DataError(f"{file}: {error.strerror}", fix=_FIX) from None
        name = "" if kind == "original" else file.name
        whole.update(f"{name}\0{digest}\n".encode())
    return f"{kind} {whole.hexdigest()}"


def _shards(index: Path) -> Iterator[Path]:
    names = read_json(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise DataError(f"{index} has no weight_map", fix="fetch it again")
    for name in sorted({str(name) for name in names.values()}):
        # A name with a folder in it could read any file of this machine.
        if Path(name).name != name or not is_present(index.parent / name):
            raise DataError(f"{index} names {name!r}, which is not beside it", fix="fetch it again")
        yield index.parent / name
