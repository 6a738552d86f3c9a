"""What has to be the same for driver and workers."""

from dataclasses import replace
from importlib import metadata

import pytest

from xlm.cluster.dask import environment
from xlm.cluster.dask.environment import Environment
from xlm.errors import ClusterError


def test_packages_that_shape_bytes_are_compared_and_others_are_not() -> None:
    here = Environment.of_this_process()
    packages = dict(here.packages)
    assert {"sacremoses", "distributed"} <= packages.keys()
    assert not {"dask-jobqueue", "prefect", "pytest"} & packages.keys()
    assert here.difference(here) is None
    less = replace(here, packages=tuple(one for one in here.packages if one[0] != "sacremoses"))
    wanted = f"it has sacremoses not installed, and the driver {packages['sacremoses']}"
    assert here.difference(less) == wanted
    assert less.difference(here) is None


def test_a_project_that_is_no_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(environment, "requires", requires)
    environment._pinned_packages.cache_clear()
    with pytest.raises(ClusterError, match="xlm-pipeline is not installed as a package"):
        Environment.of_this_process()
