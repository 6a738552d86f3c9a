"""A toy DAG of three stages over two units: its own configuration, run by the real engine.

read[en]  read[sw]    write a line of text in a worker process
      \\    /
       join           concatenates the lines
        |
       last           writes the number of bytes
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from xlm.engine.config import Config
from xlm.engine.events import Finished, NoObserver
from xlm.engine.graph import Graph
from xlm.engine.opening import open_run
from xlm.engine.plan import PlannedNode, plan
from xlm.engine.request import BuildRequest
from xlm.engine.run import DagRun
from xlm.engine.stage import ALL, FileJob, Node, Stage, StageContext, StageResult
from xlm.processes.pool.executor import WorkerPool
from xlm.store.remote.remote_store import RemoteStore
from xlm.store.store import ArtifactStore


class ToyConfig(Config):
    """Settings of the toy; `unused` is in no stage's slice."""

    languages: tuple[str, ...] = ("en", "sw")
    size: int = 4000
    seed: int = 0
    unused: int = 0


class ReadSlice(Config):
    """The slice of `read`."""

    unit: str
    size: int


class JoinSlice(Config):
    """The slice of `join` and `last`."""

    seed: int


class ToyRequest(BuildRequest):
    """Builds the toy with this configuration."""

    profile: str = "toy"
    config: ToyConfig = ToyConfig()

    def command(self, root: Path) -> str:
        """A command with the parts of the request that error messages quote."""
        words = ["toy", "run"]
        words += [f"--seed {self.config.seed}"] if self.config.seed else []
        words += [f"--until '{self.until}'"] if self.until else []
        words += ["--verify deep"] if self.verify == "deep" else []
        return " ".join([*words, f"--root {root}"])


def write_letters(job: FileJob) -> Mapping[str, int]:
    """Write the text of the job; runs in a worker process."""
    job.targets[0].write_text(str(job.options["text"]))
    return {"letters": len(str(job.options["text"]))}


def _read(context: StageContext[ReadSlice]) -> StageResult:
    # Sizes of the same ten thousand write the same bytes, under different keys.
    text = f"{context.config.unit} {context.config.size // 10_000}\n"
    job = FileJob("only", (), (context.out / "text.txt",), {"text": text})
    (counts,) = context.map_files(write_letters, [job])
    return StageResult(counts=counts)


def _join(context: StageContext[JoinSlice]) -> StageResult:
    texts = [(path / "text.txt").read_text() for _, path in sorted(context.inputs.items())]
    (context.out / "joined.txt").write_text("".join(texts))
    return StageResult(measured={"peak_memory_bytes": 7})


def _last(context: StageContext[JoinSlice]) -> StageResult:
    joined = context.inputs["joined"] / "joined.txt"
    (context.out / "size.txt").write_text(str(joined.stat().st_size))
    return StageResult()


READ: Stage[ToyConfig, ReadSlice] = Stage(
    name="read",
    version=1,
    summary="s",
    units=lambda config: config.languages,
    upstream=lambda config, unit: {},
    slice=lambda config, unit: ReadSlice(unit=unit, size=config.size),
    run=_read,
    tools=("pyyaml",),
)
JOIN: Stage[ToyConfig, JoinSlice] = Stage(
    name="join",
    version=1,
    summary="s",
    units=lambda config: (ALL,),
    upstream=lambda config, unit: {unit: Node("read", unit) for unit in config.languages},
    slice=lambda config, unit: JoinSlice(seed=config.seed),
    run=_join,
)
LAST: Stage[ToyConfig, JoinSlice] = Stage(
    name="last",
    version=1,
    summary="s",
    units=lambda config: (ALL,),
    upstream=lambda config, unit: {"joined": Node("join", ALL)},
    slice=lambda config, unit: JoinSlice(seed=0),
    run=_last,
)
STAGES: tuple[Stage[ToyConfig, Any], ...] = (READ, JOIN, LAST)
ALL_BUILT = dict.fromkeys(["read[en]", "read[sw]", "join", "last"], "built")
ALL_CACHED = dict.fromkeys(ALL_BUILT, "cached")


class Recorder(NoObserver):
    """Keeps the status of each node and every notice."""

    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}
        self.notices: list[str] = []

    def noticed(self, node: Node, line: str) -> None:
        """Keep the line."""
        self.notices.append(f"{node}: {line}")

    def finished(self, event: Finished) -> None:
        """Keep the status."""
        self.statuses[str(event.node)] = event.status


class Toy:
    """Runs the toy DAG on a store at `root`, with a worker pool that tests share."""

    def __init__(self, root: Path, pool: WorkerPool) -> None:
        self.root = root
        self.stages = STAGES
        self.remote: RemoteStore | None = None
        self._pool = pool

    def with_stage(self, name: str, **changes: Any) -> Self:
        """Let one stage be declared differently from now on."""
        self.stages = tuple(
            replace(stage, **changes) if stage.name == name else stage for stage in self.stages
        )
        return self

    def original(self) -> Self:
        """Let all stages be as they are declared here."""
        self.stages = STAGES
        return self

    def request(self, **fields: Any) -> ToyRequest:
        """A request; fields of the configuration and of the request, by name."""
        config = {name: fields.pop(name) for name in ToyConfig.model_fields if name in fields}
        return ToyRequest(config=ToyConfig(**config), **fields)

    @contextmanager
    def open(
        self, recorder: Recorder | None = None, **fields: Any
    ) -> Iterator[DagRun[ToyConfig, ToyRequest]]:
        """A run of `request(**fields)`."""
        request = self.request(**fields)
        with open_run(
            Graph.of(request.config, self.stages),
            request,
            root=str(self.root),
            workers=1,
            observer=recorder or Recorder(),
            pool=self._pool,
            remote=self.remote,
        ) as run:
            yield run

    def run(self, recorder: Recorder | None = None, **fields: Any) -> dict[str, str]:
        """Build every selected node, in order; returns the status of each."""
        recorder = recorder or Recorder()
        with self.open(recorder, **fields) as run:
            run.locate_unselected()
            for node in run.selected:
                run.build(node)
        return recorder.statuses

    def plan(self, **fields: Any) -> dict[str, PlannedNode]:
        """The plan of `request(**fields)`, by node."""
        request = self.request(**fields)
        graph = Graph.of(request.config, self.stages)
        planned = plan(graph, request, ArtifactStore.open(str(self.root)), self.remote)
        return {str(one.node): one for one in planned}

    def directory(self, node: Node) -> Path:
        """The directory of a node's artifact."""
        with self.open() as run:
            return run.locate(node).directory
