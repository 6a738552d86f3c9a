"""Items on Dask workers behave like items in processes of this machine."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.dask import items
from tests.cluster.dask.conftest import OpenExecutor
from tests.cluster.dask.dask_processes import DaskProcesses
from tests.repository import REPOSITORY
from tests.waiting import wait_until
from xlm.cluster.dask import workers
from xlm.cluster.dask.environment import Environment
from xlm.cluster.dask.executor import DaskExecutor
from xlm.cluster.dask.opening import open_dask
from xlm.config.compute import DaskConfig
from xlm.config.launcher.launcher import LauncherConfig
from xlm.engine.building.mapper import ExecutorMapper, Usage
from xlm.errors import ClusterError, DataError, ToolError
from xlm.store.store import ArtifactStore

pytestmark = pytest.mark.slow


def _mapped(executor: DaskExecutor, function: object, numbers: range) -> list[object]:
    return list(ExecutorMapper(executor, Usage()).map(function, numbers))  # type: ignore[arg-type]


def test_items_run_in_children_of_the_workers(shared: DaskProcesses, opened: OpenExecutor) -> None:
    with opened(shared) as executor:
        assert executor.workers == 2
        assert _mapped(executor, items.double, range(50)) == list(range(0, 100, 2))
        parents = {parent for _, parent in _mapped(executor, items.processes, range(20))}  # type: ignore[misc]
        assert parents <= {worker.pid for worker in shared.workers}


def test_errors_are_those_of_processes(shared: DaskProcesses, opened: OpenExecutor) -> None:
    with opened(shared) as executor:
        with pytest.raises(DataError, match="line 7; repair it") as caught:
            _mapped(executor, items.fail, range(7, 8))
        assert "in fail" in str(caught.value.__cause__)
        with pytest.raises((AttributeError, TypeError)):
            _mapped(executor, lambda item: item, range(1))
        with pytest.raises(ToolError, match=r"died twice on the same item .*; give the workers"):
            _mapped(executor, items.die_on_three, range(6))
        # Neither that item nor its neighbours have cost a worker.
        assert _mapped(executor, items.double, range(3)) == [0, 2, 4]
        assert all(worker.poll() is None for worker in shared.workers)


def test_a_worker_that_joins_later_gets_items(cluster: DaskProcesses, opened: OpenExecutor) -> None:
    with opened(cluster) as executor:
        cluster.add_worker(threads=3)
        wait_until(lambda: executor.workers == 5, "the third worker is not used")
        assert _mapped(executor, items.double, range(9)) == list(range(0, 18, 2))


def test_a_worker_that_does_not_see_the_store_is_refused(
    cluster: DaskProcesses,
    opened: OpenExecutor,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Before and after the run began; the other workers do the items."""
    store = tmp_path / "store"
    hidden = ("unshare", "-m", "sh", "-c", f'mount -t tmpfs none {store} && exec "$@"', "sh")
    if shutil.which("unshare") is None or not _can_mount():
        pytest.skip("needs the right to mount")
    store.mkdir()  # the mount needs the folder, which the driver would make too late
    cluster.add_worker(*hidden)
    with caplog.at_level(logging.WARNING), opened(cluster) as executor:
        pids = {parent for _, parent in _mapped(executor, items.processes, range(20))}  # type: ignore[misc]
        assert pids <= {worker.pid for worker in cluster.workers}
        cluster.add_worker(*hidden)
        wait_until(lambda: len(_refusals(caplog)) == 2, "a worker is not refused")
        assert all(f"does not see the store {store}" in line for line in _refusals(caplog))
        assert executor.workers == 2


def _refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for line in caplog.messages if "is refused" in line]


def _can_mount() -> bool:
    import subprocess

    command = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_workers_with_other_code_are_refused(tmp_path: Path, opened: OpenExecutor) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(REPOSITORY / "xlm", copy / "xlm", ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "xlm" / "errors.py").open("a") as file:
        file.write("# changed\n")
    cluster = DaskProcesses(tmp_path / "cluster", workers=0)
    try:
        cluster.add_worker(cwd=copy)
        with (
            pytest.raises(ClusterError, match="no Dask worker can be used: its code of xlm-pipel"),
            opened(cluster),
        ):
            pass
    finally:
        cluster.close()


def test_a_worker_that_cannot_load_the_checks_is_refused(
    tmp_path: Path, opened: OpenExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_CHECK_SECONDS", 3.0)
    without, older = tmp_path / "without", tmp_path / "older"
    for copy in (without, older):
        shutil.copytree(
            REPOSITORY / "xlm", copy / "xlm",
            ignore=shutil.ignore_patterns("__pycache__", "dask"),
        )  # fmt: skip
    (older / "xlm_pipeline-0.0.1.dist-info").mkdir()
    (older / "xlm_pipeline-0.0.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: xlm-pipeline\nVersion: 0.0.1\n"
    )
    for copy, reason in (
        (without, r"it did not run the checks within 3 s: .*another xlm-pipeline"),
        (older, r"it has xlm-pipeline 0\.0\.1, and the driver"),
    ):
        cluster = DaskProcesses(copy / "cluster", workers=0)
        try:
            cluster.add_worker(cwd=copy)
            cluster.wait_for_workers(1)
            with pytest.raises(ClusterError, match=reason), opened(cluster):
                pass
        finally:
            cluster.close()


def test_a_cluster_whose_workers_are_refused_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = replace(Environment.of_this_process(), packages=(("sacremoses", "0"),))
    monkeypatch.setattr(Environment, "of_this_process", lambda: here)
    store = ArtifactStore.open(str(tmp_path / "store"))
    settings = DaskConfig(cluster="local", workers=1, connect_seconds=120)
    with (
        pytest.raises(ClusterError, match=r"no Dask worker can be used: it has sacremoses .* 0;"),
        open_dask(store, settings, LauncherConfig()),
    ):
        pass


def test_no_scheduler_and_no_worker_are_one_line(tmp_path: Path) -> None:
    store = ArtifactStore.open(str(tmp_path / "store"))
    silent = DaskConfig(address="tcp://127.0.0.1:9", connect_seconds=1)
    with (
        pytest.raises(ClusterError, match=r"127\.0\.0\.1:9 did not answer within 1 s; check"),
        open_dask(store, silent, LauncherConfig()),
    ):
        pass
    cluster = DaskProcesses(tmp_path / "cluster", workers=0)
    try:
        empty = DaskConfig(address=cluster.address, connect_seconds=120, worker_seconds=1)
        with (
            pytest.raises(ClusterError, match="had no worker for 1 s; start workers"),
            open_dask(store, empty, LauncherConfig()),
        ):
            pass
    finally:
        cluster.close()
    assert not list((tmp_path / "store" / "cache" / "dask").iterdir())
