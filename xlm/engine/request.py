"""Which part of a DAG to build, and the profile name that its artifacts are recorded under."""

from pathlib import Path
from typing import Self, TypeVar

from pydantic import Field

from xlm.engine.config import Config
from xlm.engine.stage import Node
from xlm.store.store import Verify


class BuildRequest(Config):
    """The engine's part of a request; an application adds its configuration to it."""

    profile: str = Field(description="Name that the artifacts of a run are recorded under.")
    first: str | None = Field(
        None, description="Build this stage and all that use it, with all that they need."
    )
    until: str | None = Field(None, description="Last stage to build, with all that it needs.")
    only: tuple[str, ...] = Field((), description="Build these stages alone; the rest must exist.")
    refresh: tuple[str, ...] = Field((), description="Stages or nodes to build again.")
    verify: Verify = Field("fast", description="Check of a hit: sizes (fast) or sha256 (deep).")

    def refreshes(self, node: Node) -> bool:
        """Whether the request rebuilds the node."""
        return node.stage in self.refresh or str(node) in self.refresh

    def building(self, until: str | None = None) -> Self:
        """The request that builds whatever is missing, up to `until` or of the whole DAG."""
        return self.model_copy(update={"first": None, "until": until, "only": (), "refresh": ()})

    def command(self, root: Path) -> str:
        """The shell command of this request on the store at `root`, for error messages."""
        raise NotImplementedError


RequestT = TypeVar("RequestT", bound=BuildRequest)
