"""How the trained model is published: its name, its authors, its licence, its figures."""

from pydantic import Field

from xlm.engine.config import Config


class ReleaseConfig(Config):
    """What the model card says that no artifact knows."""

    name: str = Field(
        "xlm-model",
        min_length=1,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Name of the model on its card and in its snippets (letters, digits, . _ -).",
    )
    author: str = Field(
        "the operator of this pipeline run",
        min_length=1,
        description="Who publishes the weights, as the card names them.",
    )
    licence: str = Field(
        "apache-2.0",
        min_length=1,
        description="Licence of our own weights (Hugging Face identifier), as far as the sources "
        "allow: a non-commercial or share-alike source is stated beside it and wins.",
    )
    contact: str = Field("", description="Address for questions, shown on the card; empty: none.")
    dots_per_inch: int = Field(
        144, ge=50, le=600, description="Resolution of the plots, dots per inch."
    )


class PublishSlice(Config):
    """What the published files depend on beside the artifacts they are made from."""

    release: ReleaseConfig = Field(description="Name, author, licence, plots.")
    synthetic: bool = Field(description="True when the data are the sample world's.")
    segmenters: dict[str, str] = Field(
        {}, description="Tool, version and model of the segmenter of a language, by language."
    )
