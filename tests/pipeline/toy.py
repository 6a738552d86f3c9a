"""The toy DAG of the engine for requests of the pipeline: run records, cards and flows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.engine.toy import JOIN, LAST, READ, Recorder, ToyConfig
from xlm.config.environment import MachineSettings
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Stage
from xlm.pipeline.dag import PipelineRun, open_request
from xlm.pipeline.request import RunRequest
from xlm.processes.pool.executor import WorkerPool

PROFILE = Path(__file__).with_name("toy.yaml")


def of_pipeline(stage: Stage[ToyConfig, Any]) -> Stage[PipelineConfig, Any]:
    """A stage of the toy that reads its settings from `languages`, `bpe.codes` and `bpe.seed`."""
    return replace(
        stage,  # type: ignore[arg-type]
        units=lambda config: stage.units(_toy(config)),
        upstream=lambda config, unit: stage.upstream(_toy(config), unit),
        slice=lambda config, unit: stage.slice(_toy(config), unit),
    )


def _toy(config: PipelineConfig) -> ToyConfig:
    return ToyConfig(languages=config.languages, size=config.bpe.codes, seed=config.bpe.seed)


PIPELINE_READ, PIPELINE_JOIN, PIPELINE_LAST = map(of_pipeline, (READ, JOIN, LAST))
PIPELINE_STAGES = (PIPELINE_READ, PIPELINE_JOIN, PIPELINE_LAST)


class PipelineToy:
    """Runs the toy for requests of the pipeline, on a store at `root`."""

    def __init__(self, root: Path, pool: WorkerPool) -> None:
        self.settings = MachineSettings(str(root), 1)
        self._pool = pool

    def request(self, *overrides: str, **fields: Any) -> RunRequest:
        """A request for two languages."""
        return RunRequest(profile=str(PROFILE), overrides=overrides, **fields)

    @contextmanager
    def open(
        self,
        request: RunRequest | None = None,
        stages: Sequence[Stage[PipelineConfig, Any]] = PIPELINE_STAGES,
    ) -> Iterator[PipelineRun]:
        """A run of the request, or of one for everything."""
        with open_request(
            request or self.request(), self.settings, Recorder(), stages=stages, pool=self._pool
        ) as run:
            yield run

    @contextmanager
    def built(self, request: RunRequest | None = None) -> Iterator[PipelineRun]:
        """A run that has built every selected node."""
        with self.open(request) as run:
            for node in run.selected:
                run.build(node)
            yield run
