"""The synthetic world of the sample profile."""

from pydantic import Field

from xlm.config.base import Config


class SampleConfig(Config):
    """How large the world is and from which seed it is drawn."""

    seed: int = Field(0, ge=0, description="Seed of everything in the world.")
