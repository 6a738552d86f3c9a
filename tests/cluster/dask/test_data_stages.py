"""The data stages of the sample world on Dask workers write the same bytes as with processes."""

from pathlib import Path

import pytest

from tests.cluster.dask.dask_processes import DaskProcesses
from xlm.config.environment import MachineSettings
from xlm.engine.events import NoObserver
from xlm.pipeline.dag import open_request
from xlm.pipeline.request import RunRequest

_PROFILE = Path(__file__).parents[2] / "flows" / "small.yaml"


def _digests(root: Path, *overrides: str) -> dict[str, str]:
    request = RunRequest(
        profile=str(_PROFILE),
        languages=("en", "sw"),
        until="shard",
        overrides=("compute.dask.connect_seconds=120", *overrides),
    )
    settings = MachineSettings(str(root), workers=2)
    with open_request(request, settings, NoObserver()) as run:
        for node in run.selected:
            run.build(node)
        return {str(node): one.artifact.manifest.digest for node, one in run.results.items()}


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_digests_do_not_depend_on_the_executor(shared: DaskProcesses, tmp_path: Path) -> None:
    with_dask = _digests(
        tmp_path / "dask", "compute.executor=dask", f"compute.dask.address={shared.address}"
    )
    with_processes = _digests(tmp_path / "processes")
    assert with_dask == with_processes
    assert {name.partition("[")[0] for name in with_dask} >= {"download", "tokenize", "shard"}
