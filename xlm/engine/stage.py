"""The contract of a stage: a pure function, its config slice, its inputs and its units.

A stage file declares one `Stage`. Its `run` receives only the slice, the directories of its inputs
and an output directory. Everything that can change its bytes is therefore part of its key.

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
from xlm.store.file_digest import FileDigest
from xlm.store.file_jobs import FileJob, Mapper, map_files

__all__ = [
    "ALL",
    "ALL_CORES",
    "FileDigest",
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
"""The part of the configuration that one stage receives."""

ALL = "all"
"""The unit of a stage that runs once."""
ALL_CORES = 1 << 30
"""`Stage.cores` of a node that shares the machine with no other."""


class Node(NamedTuple):
    """A stage for one unit (a language, a pair, a source): what is cached and rebuilt as one."""

    stage: str
    unit: str

    def __str__(self) -> str:
        return self.stage if self.unit == ALL else f"{self.stage}[{self.unit}]"


@dataclass(frozen=True)
class Source:
    """The origin of an artifact's bytes, for manifests and model cards."""

    url: str
    licence: str
    name: str
    size_bytes: int | None = None
    sha256: str = ""
    redirected_to: str = ""
    """The URL that served the bytes, if the server redirected."""


@dataclass(frozen=True)
class Preview:
    """What a plan shows of a unit that is not built yet; never URLs or sizes of a mirror."""

    urls: tuple[str, ...] = ()
    size: str = "unknown until online"


@dataclass(frozen=True)
class StageResult:
    """What a stage returns in addition to its files.

    `counts` are the same in every run and are stored in the manifest. `measured` (seconds,
    tokens/s) differs between runs and is stored in `run.json`. `warnings` are lines for the
    observers of the run. `hashed` are digests of files that were computed as they were written, so
    that publication need not read the files again; `StageContext.map_files` records its own.
    """

    counts: Mapping[str, int | float | str] = field(default_factory=dict)
    sources: Sequence[Source] = ()
    measured: Mapping[str, int | float | str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    hashed: Sequence[FileDigest] = ()


@dataclass(frozen=True)
class StageContext(Generic[SliceT]):
    """Everything that a running stage may use.

    `out` survives a kill: the next run of the same key finds the files of the last attempt. A stage
    may keep those that are provably complete (`map_files`) and must overwrite the others.
    `scratch`, in the same staging directory, is never published. `logs` is published, but is not
    part of the digest.
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
    """A directory that all runs share. Anything in it may be deleted at any time."""
    key: str = ""
    """The key of the artifact: names of jobs that others can find."""
    settings: Any = None
    """Operational settings of the stage (`Stage.settings`)."""
    pins: Path | None = None
    """Checksums of first downloads, for sources that publish none; never cleaned."""

    def map_files(
        self,
        function: Callable[[FileJob], Mapping[str, int]],
        jobs: Sequence[FileJob],
        on_done: Callable[[], None] = lambda: None,
    ) -> list[dict[str, int]]:
        """Run each job, which writes one or more files, and return the counts of each.

        A finished job leaves a record (sizes and digests of its files, counts). After a kill, a job
        is skipped if its record still matches its files. `on_done` is called after each job.
        """
        total = float(len(jobs))

        def report(done: int) -> None:
            self.progress.update(done, total, "files")
            on_done()

        return map_files(self.mapper, self.scratch / "records", function, jobs, on_done=report)


@dataclass(frozen=True, kw_only=True)
class Stage(Generic[ConfigT, SliceT]):
    """The declaration of a stage; a `Graph` is made of a list of them."""

    name: str
    version: int
    """Increase it when the stage writes different bytes from the same inputs and slice."""
    summary: str
    units: Callable[[ConfigT], Sequence[str]]
    upstream: Callable[[ConfigT, str], Mapping[str, Node]]
    """Maps each role in `StageContext.inputs` to the node that provides it."""
    slice: Callable[[ConfigT, str], SliceT]
    run: Callable[[StageContext[SliceT]], StageResult]
    tools: tuple[str, ...] = ()
    """Python packages that can change the bytes; their versions are part of the key."""
    volatile: tuple[str, ...] = ()
    """Glob patterns of files with measured values: published, but not part of the digest."""
    settings: Callable[[ConfigT], Any] | None = None
    """Settings that change how `run` works and not its bytes, such as where; in no key."""
    abandon: Callable[[Any, Path], None] | None = None
    """Called with the settings and the scratch directory before files are discarded that a job may
    still write: ends the job."""
    network: bool = False
    """Whether the stage uses the network: only then is it retried after a failure."""
    cores: Callable[[ConfigT], int] = lambda config: 1
    """Cores that a node keeps busy, so that nodes share them; 0: it only waits."""
    intermediate: bool = False
    """Whether only later stages need the artifact, so that it can be pruned when they are done."""
    reads_manifest_only: Callable[[str], bool] = lambda role: False
    """The roles of which `run` reads nothing but the manifest: a pruned input is enough."""
    stale: Callable[[SliceT, Mapping[str, Any]], str | None] | None = None
    """Called on a hit with the manifest; returns a reason to rebuild the artifact, or None."""
    continues: Callable[[SliceT, Mapping[str, Any], Path], int | None] | None = None
    """Called with the slice and scratch directory of an unfinished build of another key, which has
    the same inputs; returns how far it is if this one can continue it, or None."""
    require: Callable[[ConfigT], None] | None = None
    """Called before a run that builds this stage; raises a `ConfigError` if it cannot work."""
    preview: Callable[[ConfigT, str, Path], "Preview"] | None = None
    """Describes a unit that is not built; the path is a cache that may be deleted."""
