"""What one must know to rebuild a trained encoder: `config.json` of the model artifacts.

description = read_description(pretrained)
encoder = Encoder(description)
"""

import json
from pathlib import Path

from pydantic import Field, ValidationError

from xlm.config.training.model import ModelConfig
from xlm.engine.config import Config
from xlm.errors import DataError, TrainingError

CONFIG_FILE = "config.json"
"""File of the description inside an artifact."""


class ModelDescription(Config):
    """Sizes, languages and vocabulary of an encoder."""

    model: ModelConfig = Field(description="Sizes and dropouts.")
    languages: tuple[str, ...] = Field(
        min_length=1, description="Languages in the order of their ids."
    )
    vocabulary_size: int = Field(gt=14, description="Rows of the embedding matrix, ids.")
    vocabulary_hash: str = Field(description="Hash of the vocabulary that the ids belong to.")
    causal: bool = Field(
        default=False, description="Whether its head predicts the next token: trained by CLM alone."
    )

    def of_classifier(self) -> "ModelDescription":
        """What a classifier of this encoder is: never causal.

        Fine-tuning attends both ways, after CLM too: a classifier reads the first state, which
        causally would have seen nothing but `</s>` (XLM: causal is CLM alone, spec 2.1 and 5).
        """
        return self.model_copy(update={"causal": False})

    def language_id(self, language: str) -> int:
        """The id of a language.

        Raises:
            TrainingError: the model has no such language.
        """
        try:
            return self.languages.index(language)
        except ValueError:
            raise TrainingError(
                f"the model knows {' '.join(self.languages)}, not {language}",
                fix="pretrain with that language, or leave it out",
            ) from None

    def require_vocabulary(self, vocabulary_hash: str, where: str) -> None:
        """Refuse ids of another vocabulary.

        Raises:
            TrainingError: the hashes differ.
        """
        if vocabulary_hash != self.vocabulary_hash:
            raise TrainingError(
                f"{where} has vocabulary {vocabulary_hash[:12]}, "
                f"the model {self.vocabulary_hash[:12]}",
                fix="build both from the same vocabulary artifact",
            )


def write_description(directory: Path, description: ModelDescription) -> None:
    """Write `config.json` into an artifact."""
    content = description.model_dump(mode="json")
    if not description.causal:
        del content["causal"]  # so that other models keep their bytes, and keys made of these
    text = json.dumps(content, indent=2, sort_keys=True)
    (directory / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def read_description(directory: Path) -> ModelDescription:
    """Read `config.json` of an artifact.

    Raises:
        DataError: there is none, or it is not ours.
    """
    path = directory / CONFIG_FILE
    try:
        return ModelDescription.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path} does not exist", fix="rebuild the model artifact") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path}: {place}: {first['msg']}", fix="rebuild the artifact") from None
