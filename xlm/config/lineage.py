"""Where a run reports its lineage. Nothing here can change an artifact's bytes."""

from typing import Any, Literal

from pydantic import field_validator

from xlm.engine.config import Config, operational


class LineageConfig(Config):
    """OpenLineage events of a run."""

    openlineage: Literal["off", "file", "http"] | None = operational(
        None,
        description="OpenLineage events while a run goes on. file: in a file next to the run's "
        "record; http: to OPENLINEAGE_URL, or as openlineage.yml says; null: http if the "
        "environment configures it (docs/how-to/trace-a-model.md).",
    )

    @field_validator("openlineage", mode="before")
    @classmethod
    def _off_in_yaml(cls, value: Any) -> Any:
        # YAML reads `off` as false.
        return "off" if value is False else value
