"""Where items run: settings that contradict each other are one line, and none is in a key."""

import pytest

from xlm.cluster import dask_workers
from xlm.config.launcher.launcher import LauncherConfig
from xlm.engine.node_key import key_ingredients
from xlm.errors import ConfigError, ToolError
from xlm.pipeline.dag import graph_of
from xlm.pipeline.request import RunRequest

_DASK = ("compute.executor=dask",)


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        (_DASK, "no cluster is named; set compute.dask.address"),
        (
            (*_DASK, "compute.dask={address: tcp://a:1, cluster: slurm}"),
            "compute.dask.address and compute.dask.cluster are both set; remove one",
        ),
        (("compute.dask.address=head:8786",), "'head:8786' is not the address of a scheduler"),
        (("compute.dask.address=tls://head:8786",), "but tls_ca is not set; set"),
        (
            ("compute.dask={address: tcp://a:1, tls_ca: a, tls_certificate: b, tls_key: c}",),
            "files for TLS, but no address that begins with tls://",
        ),
        (("compute.dask.memory=much",), "'much' is not an amount of memory"),
        (("compute.dask.time=soon",), "write it as 45"),
        (("compute.dask.workers=0",), "compute.dask.workers"),
    ],
)
def test_settings_that_cannot_work_are_refused(overrides: tuple[str, ...], error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RunRequest(overrides=overrides).resolve()
    assert error in str(caught.value)
    assert "\n" not in str(caught.value)


def test_where_items_run_is_in_no_key() -> None:
    def ingredients(*overrides: str) -> list[object]:
        graph = graph_of(RunRequest(overrides=overrides))
        return [key_ingredients(graph, node, {}) for node in graph.nodes]

    assert ingredients() == ingredients(
        *_DASK, "compute.dask={cluster: slurm, workers: 9, threads: 4, memory: 9G, time: 2-00}"
    )


def test_plans_know_the_workers_of_a_cluster_that_the_run_starts() -> None:
    def planned(*overrides: str) -> int:
        return RunRequest(overrides=overrides).resolve().compute.planned_workers(3)

    assert planned() == 3
    assert planned(*_DASK, "compute.dask={cluster: slurm, workers: 9, threads: 4}") == 36
    assert planned(*_DASK, "compute.dask.address=tcp://head:8786") == 3


@pytest.mark.parametrize(
    ("cluster", "package"),
    [("local", "distributed"), ("slurm", "dask_jobqueue"), ("kubernetes", "dask_kubernetes")],
)
def test_a_missing_package_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, cluster: str, package: str
) -> None:
    monkeypatch.setattr(
        dask_workers, "find_spec", lambda name: None if name == package else object()
    )
    config = RunRequest(overrides=(*_DASK, f"compute.dask.cluster={cluster}")).resolve()
    with pytest.raises(ToolError) as caught:
        dask_workers.cluster_of(config.compute, config.launcher)
    assert f"package {package}, which is not installed" in str(caught.value)
    assert "pip install 'xlm-pipeline[cluster]'" in str(caught.value)


def test_processes_need_no_cluster() -> None:
    config = RunRequest(overrides=("compute.dask.address=tcp://head:8786",)).resolve()
    assert dask_workers.cluster_of(config.compute, LauncherConfig()) is None
