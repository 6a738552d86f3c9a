"""Runs of the toy DAG that report OpenLineage events."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import pool
from tests.engine.toy import Recorder
from tests.pipeline.openlineage.endpoint import Event
from tests.pipeline.toy import PIPELINE_STAGES, PROFILE
from xlm.config.environment import MachineSettings
from xlm.engine.events import Observers
from xlm.engine.stage import Stage
from xlm.errors import XlmError
from xlm.pipeline.dag import PipelineRun, open_request
from xlm.pipeline.openlineage.observer import LineageObserver
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_record import begin_run_record, events_path, write_run_record
from xlm.processes.pool.executor import WorkerPool

__all__ = ["pool"]


def build_all(run: PipelineRun) -> None:
    """Build all nodes until one fails."""
    for node in run.selected:
        try:
            run.build(node)
        except XlmError:
            break


@dataclass
class ReportingToy:
    """Runs the toy as a flow does, on a store at `root`."""

    root: Path
    pool: WorkerPool
    records: list[Path] = field(default_factory=list)

    def run(
        self,
        *overrides: str,
        stages: tuple[Stage[Any, Any], ...] = PIPELINE_STAGES,
        build: Callable[[PipelineRun], None] = build_all,
        on_record: Callable[[], None] = lambda: None,
    ) -> None:
        """Build the nodes, and write the record of the run, as a flow does."""
        request = RunRequest(profile=str(PROFILE), overrides=overrides)
        lineage = LineageObserver.of(request.resolve())
        settings = MachineSettings(str(self.root), 1)
        observers = Observers([Recorder(), lineage])
        with open_request(request, settings, observers, stages=stages, pool=self.pool) as run:
            record = begin_run_record(run)
            self.records.append(record)
            with lineage.reporting(run, record):
                build(run)
                write_run_record(run, record)
                on_record()

    def events(self) -> list[Event]:
        """The events in the file of the last run."""
        lines = events_path(self.records[-1]).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def toy(tmp_path: Path, pool: WorkerPool) -> ReportingToy:
    return ReportingToy(tmp_path / "data", pool)


@pytest.fixture(autouse=True)
def plain_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str], None]]:
    """No setting of OpenLineage in the environment, the current folder, or the home."""
    import os

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("OPENLINEAGE")]:
        del os.environ[name]
    yield monkeypatch.setenv
    # The client adds variables for its processes.
    for name in set(os.environ) - set(before):
        del os.environ[name]
