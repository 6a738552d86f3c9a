"""The description of a trained encoder: `config.json` in model artifacts.

description = read_description(pretrained)
encoder = Encoder(description)
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from xlm.config.data.tasks import XNLI_LABELS
from xlm.config.training.model import ModelConfig
from xlm.engine.config import Config
from xlm.errors import DataError, TrainingError

CONFIG_FILE = "config.json"
"""The file name of the description in an artifact."""


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

    labels: tuple[str, ...] = Field(
        default=XNLI_LABELS,
        min_length=2,
        description="Label names of a classifier in the order of their ids.",
    )
    sentences: Literal[1, 2] | None = Field(
        default=None,
        description="Sentences in a row of a classifier; null: two with the labels of XNLI, "
        "otherwise unknown.",
    )

    @property
    def row_sentences(self) -> int | None:
        """Number of sentences that a classifier takes, 1 or 2; None: unknown."""
        return 2 if self.sentences is None and self.labels == XNLI_LABELS else self.sentences

    def of_classifier(
        self, labels: Sequence[str] | None = None, sentences: int | None = None
    ) -> "ModelDescription":
        """The description of a classifier with this encoder, which is never causal.

        Fine-tuning uses bidirectional attention also after CLM: a classifier reads the first state,
        which with causal attention depends on `</s>` alone (XLM: only CLM is causal, spec 2.1, 5).
        """
        labels = self.labels if labels is None else tuple(labels)
        sentences = self.sentences if sentences is None else sentences
        if sentences == 2 and labels == XNLI_LABELS:
            sentences = None  # the default
        return self.model_copy(update={"causal": False, "labels": labels, "sentences": sentences})

    def language_id(self, language: str) -> int:
        """The id of a language.

        Raises:
            TrainingError: the model does not have the language.
        """
        try:
            return self.languages.index(language)
        except ValueError:
            raise TrainingError(
                f"the model has the languages {' '.join(self.languages)}, not {language}",
                fix="pretrain with that language, or remove it from the configuration",
            ) from None

    def require_vocabulary(self, vocabulary_hash: str, where: str) -> None:
        """Check that ids belong to the model's vocabulary.

        Raises:
            TrainingError: the hashes differ.
        """
        if vocabulary_hash != self.vocabulary_hash:
            raise TrainingError(
                f"{where} has vocabulary {vocabulary_hash[:12]}, "
                f"but the model has {self.vocabulary_hash[:12]}",
                fix="build both from the same vocabulary artifact",
            )


def write_description(directory: Path, description: ModelDescription) -> None:
    """Write `config.json` into an artifact."""
    content = description.model_dump(mode="json")
    for name in ("causal", "labels", "sentences"):
        # Models with the defaults keep the bytes from before these fields.
        if getattr(description, name) == ModelDescription.model_fields[name].default:
            del content[name]
    text = json.dumps(content, indent=2, sort_keys=True)
    (directory / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def read_description(directory: Path) -> ModelDescription:
    """Read `config.json` of an artifact.

    Raises:
        DataError: the file does not exist, or is not a description of ours.
    """
    path = directory / CONFIG_FILE
    try:
        return ModelDescription.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path} does not exist", fix="rebuild the model artifact") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        what = f"{path}: {field}: {reason_of(first)}" if field else f"{path}: {reason_of(first)}"
        raise DataError(what, fix="rebuild the artifact") from None


def reason_of(error: ErrorDetails) -> str:
    """What is wrong with a value, as a part of a sentence."""
    kind = error["type"].partition("_")[0]
    if expected := {"int": "a whole number", "float": "a number", "string": "text"}.get(kind):
        return f"{str(error['input'])[:60]!r} is not {expected}"
    message = error["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
