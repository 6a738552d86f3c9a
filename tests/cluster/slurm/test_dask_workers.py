"""Items of the data stages on workers that are jobs of a real Slurm."""

from pathlib import Path

import pytest

from tests.cluster.dask import items
from tests.cluster.dask.dask_processes import is_running
from tests.cluster.slurm.dev_cluster import DevCluster
from tests.waiting import wait_until
from xlm.config.compute import DaskConfig
from xlm.config.launcher.launcher import LauncherConfig
from xlm.engine.building.mapper import ExecutorMapper, Usage
from xlm.store.store import ArtifactStore


def test_workers_are_jobs_that_are_replaced_and_end_with_the_run(
    cluster: DevCluster, tmp_path: Path
) -> None:
    pytest.importorskip("dask_jobqueue")
    from xlm.cluster.dask.opening import open_dask

    store = ArtifactStore.open(str(tmp_path / "store"))
    settings = DaskConfig(
        cluster="slurm", workers=2, memory="500M", time="00:30:00", interface="lo",
        connect_seconds=120,
    )  # fmt: skip
    with open_dask(store, settings, LauncherConfig()) as executor:
        wait_until(lambda: executor.workers == 2, "there are no two workers")
        mapped = ExecutorMapper(executor, Usage()).map(items.double, range(20))
        assert list(mapped) == list(range(0, 40, 2))
        assert executor.address.startswith("tls://")
        workers = {executor.submit(items.processes, n).result()[1] for n in range(20)}
        first = cluster.live_jobs()
        assert len(first) == 2
        cluster.command("scancel", first[0])
        wait_until(
            lambda: len(set(cluster.live_jobs()) - {first[0]}) == 2 and executor.workers == 2,
            "the cancelled job is not replaced",
        )
        assert executor.submit(items.double, 4).result() == 8
    wait_until(lambda: not cluster.live_jobs(), "jobs are left")
    wait_until(lambda: not any(map(is_running, workers)), "workers are left")
