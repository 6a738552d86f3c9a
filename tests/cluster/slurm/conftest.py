"""A real cluster for all tests that are marked `slurm`; skipped with the reason without one."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.pretraining import Context
from tests.cluster.slurm.dev_cluster import DevCluster, dev_cluster, reason_to_skip
from xlm.config.launcher.launcher import LauncherConfig

KEY = "0123456789abcdef01234567"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with a cluster are marked, and skipped where there can be none."""
    reason = reason_to_skip()
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker("slurm")
            item.add_marker("slow")
            if reason:
                item.add_marker(pytest.mark.skip(reason=f"no Slurm: {reason}"))


@pytest.fixture(scope="session")
def _running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevCluster]:
    with dev_cluster(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


@pytest.fixture
def cluster(_running_cluster: DevCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[DevCluster]:
    """The cluster without jobs."""
    monkeypatch.setenv("SLURM_CONF", str(_running_cluster.configuration))
    _running_cluster.wait_for_nodes()
    yield _running_cluster
    _running_cluster.command("scancel", "--user=root")
    _running_cluster.wait_for_nodes()


@pytest.fixture
def on_slurm(
    cluster: DevCluster,
    make_context: Callable[..., Context],
) -> Callable[..., Context]:
    """Make the context of a pretraining with two processes on two nodes."""

    def make(name: str, slurm: dict[str, Any] | None = None, **changes: object) -> Context:
        settings = LauncherConfig.model_validate(
            {"kind": "slurm", "poll_seconds": 1, "slurm": {"nodes": 2, **(slurm or {})}}
        )
        context = make_context(name, **{"processes": 2, **changes})
        return replace(context, settings=settings, key=KEY)

    return make


@pytest.fixture
def scratch_of() -> Callable[[Context], Path]:
    """The scratch directory of a context."""
    return lambda context: context.scratch
