"""A model of any layout, read by its path.

model = read_model(Path("mlm_tlm_xnli15_1024.pth"))  # or a Hugging Face folder, or an artifact
"""

from pathlib import Path

from xlm.bpe.vocabulary import Vocabulary, load_vocabulary
from xlm.errors import DataError
from xlm.model.checkpoint import read_weights
from xlm.model.description import read_description
from xlm.model.hugging_face import read_hugging_face
from xlm.model.original import read_original
from xlm.model.portable import PortableModel, check_weights, tidy_weights
from xlm.model.source_files import VOCABULARY_FILE, kind_of, read_json

_VOCABULARY_STAGE = "vocabulary"


def read_model(path: Path) -> PortableModel:
    """The model at a path, told apart by what lies there.

    Raises:
        DataError: nothing is there, it is damaged, would run code, or is no encoder of XLM.
    """
    kind = kind_of(path)
    if kind == "original":
        return read_original(path)
    return read_hugging_face(path) if kind == "hugging-face" else _read_artifact(path)


def _read_artifact(directory: Path) -> PortableModel:
    """A pretrain or finetune artifact, or a folder that `xlm convert` wrote."""
    description = read_description(directory)
    weights = tidy_weights(read_weights(directory), str(directory))
    check_weights(description, weights, str(directory))
    return PortableModel(
        description, weights, _artifact_vocabulary(directory, description.vocabulary_hash)
    )


def _artifact_vocabulary(directory: Path, known: str) -> Vocabulary | None:
    """The vocabulary in the folder itself, or in the same store; None: in neither.

    Raises:
        DataError: the one in the folder is another.
    """
    if (directory / VOCABULARY_FILE).is_file():
        vocabulary = load_vocabulary(directory)
        if vocabulary.hash != known:
            raise DataError(
                f"{directory}: {VOCABULARY_FILE} has hash {vocabulary.hash[:12]}, the model was "
                f"trained with {known[:12]}",
                fix="put the vocabulary of its run there",
            )
        return vocabulary
    shelf = directory.resolve().parent.parent / _VOCABULARY_STAGE
    for file in sorted(shelf.glob(f"*/{VOCABULARY_FILE}")):
        if read_json(file).get("hash") == known:
            return load_vocabulary(file.parent)
    return None
