"""Settings of the published model, and the slice of stage publish."""

from typing import Literal

from pydantic import Field

from xlm.engine.config import Config, added

WATTS_PER_CORE = 12.0
"""The default of Green Algorithms for a core whose model is not known (Lannelongue et al. 2021)."""
WATTS_PER_GPU = 700.0
"""Maximum power of an H100 SXM or H200, according to their data sheets."""
POWER_USAGE_EFFECTIVENESS = 1.56
"""Average of data centres in the Uptime Institute's survey of 2024."""
GRID_GRAMS_PER_KILOWATT_HOUR = 481.0
"""World average of 2023 in Ember's yearly electricity data (release of July 2024)."""

CLASSIFIER_FOLDER, MASKED_LM_FOLDER = "classifier", "masked-lm"
"""The folders of a publish artifact."""
REVISIONS_FOLDER = "revisions"
"""The folder of a pretrain artifact with earlier weights, and of a publish artifact with models."""
_REVISION = "step-"


def revision_name(update: int) -> str:
    """The name of a model after a number of updates: of its file, folder and branch."""
    return f"{_REVISION}{update}"


def revision_update(name: str) -> int | None:
    """The number of updates in the name of a revision; None for another name."""
    number = name.removeprefix(_REVISION)
    return int(number) if number.isdecimal() and revision_name(int(number)) == name else None


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
    watts_per_core: float = added(
        WATTS_PER_CORE,
        gt=0,
        description="Power of a busy CPU core for the environmental impact on the card, watts: the "
        "thermal design power of the processor, divided by its cores.",
    )
    watts_per_gpu: float = added(
        WATTS_PER_GPU,
        gt=0,
        description="Power of a GPU for the environmental impact on the card, watts.",
    )
    power_usage_effectiveness: float = added(
        POWER_USAGE_EFFECTIVENESS,
        ge=1,
        description="Energy of the data centre divided by the energy of its machines (PUE); 1 for "
        "a machine outside of a data centre.",
    )
    grid_grams_per_kilowatt_hour: float = added(
        GRID_GRAMS_PER_KILOWATT_HOUR,
        ge=0,
        description="Emissions of the electricity that the run used, grams of CO2 equivalent per "
        "kWh.",
    )
    region: str = added("", description="Where the run took place, for the card; empty: unknown.")


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
    citations: dict[str, str] = added(
        {}, description="Download id to the publication to cite, if one is known."
    )
