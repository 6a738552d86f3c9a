"""Settings of the published model, and the slice of stage publish."""

from typing import Literal

from pydantic import Field

from xlm.engine.config import Config, added

CLASSIFIER_FOLDER, MASKED_LM_FOLDER = "classifier", "masked-lm"
"""The folders of a publish artifact."""


class ReleaseConfig(Config):
    """What the model card states that the artifacts do not contain."""

    name: str = Field(
        "xlm-model",
        min_length=1,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Name of the model on its card and in its examples (letters, digits, . _ -).",
    )
    author: str = Field(
        "the operator of this pipeline run",
        min_length=1,
        description="Name on the card of the person or organization that publishes the weights.",
    )
    licence: str = Field(
        "apache-2.0",
        min_length=1,
        description="Licence of the weights (Hugging Face identifier). The card also lists "
        "non-commercial and share-alike sources, and these take precedence.",
    )
    contact: str = Field("", description="Contact on the card, e.g. an email address; empty: none.")
    dots_per_inch: int = Field(
        144, ge=50, le=600, description="Resolution of the plots, dots per inch."
    )


class OwnSourceFacts(Config):
    """What the card states about the user's own text or pairs."""

    unit: str
    """NAME.LANGUAGE or NAME.PAIR; of files at a URL, the id of the download."""
    name: str
    licence: str
    is_text: bool
    """Monolingual text, not pairs."""
    size_bytes: int | None = None
    """Size of the local files; None: they are downloaded."""


class TaskFacts(Config):
    """What the card of a classifier says about its task, apart from the results."""

    kind: Literal["xnli", "pawsx", "files"] = Field(description="The task, as in `classify.task`.")
    is_paired: bool = Field(description="Whether a row has two sentences.")
    licence: str = Field(description="Licence of the user's files; empty for public data.")


class PublishSlice(Config):
    """Settings that determine the published files."""

    task: TaskFacts | None = Field(description="The classification task; None without one.")
    release: ReleaseConfig = Field(description="Settings of the release.")
    synthetic: bool = Field(description="Whether the data are the sample world.")
    segmenters: dict[str, str] = Field(
        {}, description="Language to tool, version and model of its segmenter."
    )
    cased: bool = added(False, description="Whether text keeps case and accents.")
    segmenter_names: dict[str, str] = added(
        {}, description="Language to name of its segmenter, if that is not the default one."
    )
    moses_languages: dict[str, str] = added(
        {},
        description="Language to the one whose Moses rules tokenize it, if that is another one.",
    )
    names: dict[str, str] = added(
        {}, description="Names of the languages that the profile declares."
    )
    own_sources: tuple[OwnSourceFacts, ...] = added(
        (), description="The user's own text and pairs, for the card."
    )
