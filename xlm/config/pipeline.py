"""The configuration of a whole run, assembled from one model per stage."""

from pydantic import Field

from xlm.config.base import Config


class PipelineConfig(Config):
    """Everything that a run is, whatever machine it runs on."""

    languages: tuple[str, ...] = Field(description="Language codes, alphabetical.")
