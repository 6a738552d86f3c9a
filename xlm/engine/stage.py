"""What a stage is: one pure function, its config slice, its inputs and its units.

A stage file declares one `Stage`. Its `run` sees nothing but the slice, the directories of its
inputs and an output directory, so that whatever can change its bytes is in its key by construction.

    TOKENIZE = Stage(
        name="tokenize", version=1, summary="Moses chain, lower-case, accents",
        units=text_units, upstream=_upstream, slice=_slice, run=run, tools=("sacremoses",),
    )
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from xlm.display.progress import NoProgress, Progress
from xlm.engine.config import Config
from xlm.store.records import FileJob, Mapper, map_files

__all__ = [
    "ALL",
    "FileJob",
    "Mapper",
    "Node",
    "Preview",
    "Source",
    "Stage",
    "StageContext",
    "StageResult",
]

ConfigT = TypeVar("ConfigT", bound=Config)
"""The configuration of a whole DAG."""
SliceT = TypeVar("SliceT", bound=Config)
"""The part of it that one stage sees."""

ALL = "all"
"""The unit of a stage that runs once."""


class Node(NamedTuple):
    """One stage for one unit (a language, a pair, a source): the grain of caching."""

    stage: str
    unit: str

    def __str__(self) -> str:
        return self.stage if self.unit == ALL else f"{self.stage}[{self.unit}]"


@dataclass(frozen=True)
class Source:
    """Where bytes of an artifact came from, for manifests and model cards."""

    address: str
    licence: str
    name: str
    size_bytes: int | None = None
    sha256: str = ""
    redirected_to: str = ""
    """Where the bytes came from, if the host of `address` redirected."""


@dataclass(frozen=True)
class Preview:
    """What `xlm plan` can say of a unit that is not built: never a mirror's addresses or sizes."""

    addresses: tuple[str, ...] = ()
    size: str = "unknown until online"


@dataclass(frozen=True)
class StageResult:
    """What a stage reports beside its files.

    `counts` follow from the rules and are stored in the manifest; `measured` (seconds, tokens/s)
    differ from run to run and go to `run.json`. `warnings` are lines for whoever watches the run.
    """

    counts: Mapping[str, int | float | str] = field(default_factory=dict)
    sources: Sequence[Source] = ()
    measured: Mapping[str, int | float | str] = field(default_factory=dict)
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class StageContext(Generic[SliceT]):
    """All that a running stage may touch.

    `out` survives a kill: a rerun of the same key finds it as it was left, so a stage may continue
    from what it can prove complete (`map_files`) and must overwrite the rest. `scratch` (inside the
    same staging directory) is never published. `logs` is published, outside the digest.
    """

    unit: str
    config: SliceT
    inputs: Mapping[str, Path]
    out: Path
    scratch: Path
    logs: Path
    mapper: Mapper
    workers: int
    progress: Progress = field(default_factory=NoProgress)
    cache: Path | None = None
    """Outlives the run and is shared by all of them; anything in it may vanish at any time."""
    pins: Path | None = None
    """What sources without published checksums gave when they were first seen; never cleaned."""

    def map_files(
        self, function: Callable[[FileJob], Mapping[str, int]], jobs: Sequence[FileJob]
    ) -> list[dict[str, int]]:
        """Write one or more files a job, each job once, and return the counts job by job.

        A finished job leaves a record (sizes and digests of its files, counts); after a kill, jobs
        whose record still holds are not run again.
        """
        total = float(len(jobs))
        return map_files(
            self.mapper,
            self.scratch / "records",
            function,
            jobs,
            on_done=lambda done: self.progress.update(done, total, "files"),
        )


@dataclass(frozen=True, kw_only=True)
class Stage(Generic[ConfigT, SliceT]):
    """The declaration of a stage; a `Graph` is made of a list of them."""

    name: str
    version: int
    """Bump when the stage would write other bytes from the same inputs and slice."""
    summary: str
    units: Callable[[ConfigT], Sequence[str]]
    upstream: Callable[[ConfigT, str], Mapping[str, Node]]
    """Role in `StageContext.inputs` to the node that fills it."""
    slice: Callable[[ConfigT, str], SliceT]
    run: Callable[[StageContext[SliceT]], StageResult]
    tools: tuple[str, ...] = ()
    """Distributions whose version shapes the bytes."""
    volatile: tuple[str, ...] = ()
    """Glob patterns of files that hold measured values: published, but outside the digest."""
    network: bool = False
    """Only such a stage is retried: a deterministic one fails the same way again."""
    stale: Callable[[SliceT, Mapping[str, Any]], str | None] | None = None
    """Asked on a hit, with the manifest: a reason why the artifact no longer holds, or None."""
    require: Callable[[ConfigT], None] | None = None
    """Called before a run that builds this stage; raises a `ConfigError` if it could not work."""
    preview: Callable[[ConfigT, str, Path], "Preview"] | None = None
    """What is known of a unit before it is built; the path is a cache that may be deleted."""
