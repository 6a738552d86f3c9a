"""Which part of a DAG to build, and under which name its results are remembered."""

from pathlib import Path
from typing import Self, TypeVar

from pydantic import Field

from xlm.engine.config import Config
from xlm.engine.stage import Node
from xlm.store.store import Verify


class BuildRequest(Config):
    """What the engine needs to know of a request; each application adds its configuration."""

    profile: str = Field(description="Name under which the last artifacts are remembered.")
    until: str | None = Field(None, description="Last stage to build, with all that it needs.")
    only: tuple[str, ...] = Field((), description="Build these stages alone; the rest must exist.")
    refresh: tuple[str, ...] = Field((), description="Stages or nodes to build again.")
    verify: Verify = Field("fast", description="Check of a hit: sizes (fast) or sha256 (deep).")

    def refreshes(self, node: Node) -> bool:
        """Whether the node is to be built again."""
        return node.stage in self.refresh or str(node) in self.refresh

    def whole(self, until: str | None = None) -> Self:
        """The request that builds what is missing of this configuration, up to a stage or all."""
        return self.model_copy(update={"until": until, "only": (), "refresh": ()})

    def command(self, root: Path) -> str:
        """The shell command that runs this request on the store at `root`; errors quote it."""
        raise NotImplementedError


RequestT = TypeVar("RequestT", bound=BuildRequest)
