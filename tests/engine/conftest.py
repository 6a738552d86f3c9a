"""A toy DAG of three stages over two units, run by the real machinery."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xlm.config.pipeline import PipelineConfig
from xlm.config.settings import Settings
from xlm.engine import graph
from xlm.engine.config import Config
from xlm.engine.events import Finished, NoObserver
from xlm.engine.stage import ALL, FileJob, Node, Stage, StageContext, StageResult
from xlm.pipeline.dag import PipelineRun, open_run
from xlm.pipeline.request import RunRequest
from xlm.processes.pool.executor import WorkerPool, worker_pool

PROFILE = Path(__file__).with_name("toy.yaml")


class ReadSlice(Config):
    """The toy's first slice."""

    unit: str
    codes: int


class JoinSlice(Config):
    """The toy's second slice."""

    seed: int


def write_letters(job: FileJob) -> Mapping[str, int]:
    """Write the job's text; runs in a worker process."""
    job.targets[0].write_text(str(job.options["text"]))
    return {"letters": len(str(job.options["text"]))}


def _read(context: StageContext[ReadSlice]) -> StageResult:
    text = f"{context.config.unit} {context.config.codes // 10_000}\n"
    job = FileJob("only", (), (context.out / "text.txt",), {"text": text})
    (counts,) = context.map_files(write_letters, [job])
    return StageResult(counts=counts)


def _join(context: StageContext[JoinSlice]) -> StageResult:
    texts = [(path / "text.txt").read_text() for _, path in sorted(context.inputs.items())]
    (context.out / "joined.txt").write_text("".join(texts))
    return StageResult(measured={"peak_memory_bytes": 7})


def _last(context: StageContext[JoinSlice]) -> StageResult:
    (context.out / "size.txt").write_text(
        str((context.inputs["joined"] / "joined.txt").stat().st_size)
    )
    return StageResult()


def _units(config: PipelineConfig) -> Sequence[str]:
    return config.languages


READ: Stage[PipelineConfig, ReadSlice] = Stage(
    name="read",
    version=1,
    summary="s",
    units=_units,
    upstream=lambda config, unit: {},
    slice=lambda config, unit: ReadSlice(unit=unit, codes=config.bpe.codes),
    run=_read,
    tools=("pyyaml",),
)
JOIN: Stage[PipelineConfig, JoinSlice] = Stage(
    name="join",
    version=1,
    summary="s",
    units=lambda config: (ALL,),
    upstream=lambda config, unit: {unit: Node("read", unit) for unit in config.languages},
    slice=lambda config, unit: JoinSlice(seed=config.bpe.seed),
    run=_join,
)
LAST: Stage[PipelineConfig, JoinSlice] = Stage(
    name="last",
    version=1,
    summary="s",
    units=lambda config: (ALL,),
    upstream=lambda config, unit: {"joined": Node("join", ALL)},
    slice=lambda config, unit: JoinSlice(seed=0),
    run=_last,
)


class Recorder(NoObserver):
    """Keeps how each node ended."""

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
    """Runs the toy DAG below one root."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = Settings(str(root), 1)
        self._monkeypatch = monkeypatch
        self.use(READ, JOIN, LAST)

    def use(self, *stages: Stage[Any, Any]) -> None:
        """Let the DAG be of these stages."""
        self._monkeypatch.setattr(graph, "STAGES", stages)

    def request(self, *overrides: str, **fields: object) -> RunRequest:
        """A request for two languages."""
        return RunRequest(profile=str(PROFILE), overrides=overrides, **fields)

    @contextmanager
    def open(self, request: RunRequest, recorder: Recorder | None = None) -> Iterator[PipelineRun]:
        """A run of the request."""
        with open_run(request, self.settings, recorder or Recorder()) as run:
            yield run

    def run(self, *overrides: str, **fields: object) -> dict[str, str]:
        """Build everything selected, in order; returns node to status."""
        recorder = Recorder()
        with self.open(self.request(*overrides, **fields), recorder) as run:
            run.locate_unselected()
            for node in run.selected:
                run.build(node)
        return recorder.statuses


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerPool]:
    with worker_pool(1, tmp_path_factory.mktemp("tools")) as executor:
        yield executor


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pool: WorkerPool) -> Toy:
    # A worker takes longer to start than a toy to run: all tests share one.
    monkeypatch.setattr("xlm.engine.run.worker_pool", lambda *_: nullcontext(pool))
    return Toy(tmp_path / "data", monkeypatch)


@pytest.fixture
def bumped() -> Callable[[Stage[Any, Any]], Stage[Any, Any]]:
    return lambda stage: replace(stage, version=stage.version + 1)
