"""Reads a model of any format by its path.

model = read_model(Path("mlm_tlm_xnli15_1024.pth"))  # or a Hugging Face folder, or an artifact
"""

from contextlib import suppress
from pathlib import Path

from xlm.bpe.vocabulary import Vocabulary, load_vocabulary
from xlm.errors import DataError
from xlm.model.formats.conversion import PortableModel, check_layers, check_weights, tidy_weights
from xlm.model.formats.description import read_description
from xlm.model.formats.hugging_face.folder import read_hugging_face
from xlm.model.formats.original import read_original
from xlm.model.formats.ours import read_weights
from xlm.model.formats.source_files import VOCABULARY_FILE, kind_of, read_json
from xlm.store.integrity.presence import files_of_stage, is_present

_VOCABULARY_STAGE = "vocabulary"


def read_model(path: Path, *, sizes_only: bool = False) -> PortableModel:
    """Read the model at a path; the format follows from its files.

    `sizes_only`: the weights have shapes but no data; if the format allows it, they are not read.

    Raises:
        DataError: there is no model, or it is damaged, would run code, or is not an encoder of XLM.
    """
    kind = kind_of(path)
    readers = {"original": read_original, "hugging-face": read_hugging_face, "xlm": _read_artifact}
    return readers[kind](path, sizes_only=sizes_only)


def _read_artifact(directory: Path, *, sizes_only: bool) -> PortableModel:
    """Read an artifact of pretrain, finetune or select, or a folder that `xlm convert` wrote."""
    description = read_description(directory)
    weights = tidy_weights(read_weights(directory), str(directory), sizes_only=sizes_only)
    check_layers(description.model.layers, weights, str(directory))
    check_weights(description, weights, str(directory))
    vocabulary = _artifact_vocabulary(directory, description.vocabulary_hash)
    if vocabulary is not None and vocabulary.size != description.vocabulary_size:
        raise DataError(
            f"{directory}: its vocabulary has {vocabulary.size} tokens, but its settings require "
            f"{description.vocabulary_size}",
            fix="copy the vocabulary of its run into the folder",
        )
    return PortableModel(description, weights, vocabulary)


def _artifact_vocabulary(directory: Path, known: str) -> Vocabulary | None:
    """The vocabulary in the folder, else in the same store; None: not found.

    Raises:
        DataError: the vocabulary in the folder is not the model's.
    """
    if is_present(directory / VOCABULARY_FILE):
        vocabulary = load_vocabulary(directory)
        if vocabulary.hash != known:
            raise DataError(
                f"{directory}: {VOCABULARY_FILE} has hash {vocabulary.hash[:12]}, but the model "
                f"was trained with {known[:12]}",
                fix="copy the vocabulary of its run into the folder",
            )
        return vocabulary
    artifacts = directory.resolve().parent.parent
    for file in files_of_stage(artifacts, _VOCABULARY_STAGE, VOCABULARY_FILE):
        with suppress(DataError):  # a damaged vocabulary of another run
            if read_json(file).get("hash") == known:
                return load_vocabulary(file.parent)
    return None
