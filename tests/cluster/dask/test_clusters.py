"""Clusters that a run starts: what is sent to Slurm and Kubernetes, and a real local one."""

import os
import re
from pathlib import Path

import pytest
from kubernetes_validate import validate

from tests.cluster.dask import items
from tests.listening_sockets import descendants_of, listening_sockets_of
from xlm.cluster.dask.clusters import slurm_options
from xlm.cluster.dask.kubernetes import cluster_spec, require_settings
from xlm.cluster.dask.opening import open_dask
from xlm.config.compute import DaskConfig
from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.config.launcher.launcher import LauncherConfig
from xlm.engine.building.mapper import ExecutorMapper, Usage
from xlm.errors import ClusterError, ConfigError
from xlm.store.store import ArtifactStore

_ROOT = Path("/shared/data")
_KUBERNETES = KubernetesConfig(
    image="registry.example/xlm:1", claim="store", claim_path="data", run_as_user=1000
)


def test_the_object_for_the_operator_mounts_the_store_at_its_path() -> None:
    settings = DaskConfig(cluster="kubernetes", workers=7, threads=4, memory="8GiB")
    found = cluster_spec(settings, _KUBERNETES, _ROOT, "xlm-data-1")
    assert (found["apiVersion"], found["kind"]) == ("kubernetes.dask.org/v1", "DaskCluster")
    worker, scheduler = found["spec"]["worker"], found["spec"]["scheduler"]
    assert worker["replicas"] == 7
    (container,) = worker["spec"]["containers"]
    assert container["volumeMounts"][0] == {
        "name": "store",
        "mountPath": "/shared/data",
        "subPath": "data",
    }
    assert container["resources"]["limits"] == {"memory": "8Gi"}
    assert container["command"][-2:] == ["--nthreads", "4"]
    for name, one in (("worker", worker), ("scheduler", scheduler)):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": one["spec"]}
        validate(pod, "1.32", strict=True)
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}
    validate({**service, "spec": scheduler["service"]}, "1.32", strict=True)


def test_the_object_has_the_parts_of_the_one_that_dask_makes() -> None:
    operator = pytest.importorskip("dask_kubernetes.operator")
    theirs = operator.make_cluster_spec("xlm-data-1")
    ours = cluster_spec(DaskConfig(cluster="kubernetes"), _KUBERNETES, _ROOT, "xlm-data-1")
    assert ours.keys() == theirs.keys()
    assert ours["metadata"] == theirs["metadata"]
    for part in ("worker", "scheduler"):
        assert ours["spec"][part].keys() == theirs["spec"][part].keys()
        (mine,), (its,) = (one["spec"][part]["spec"]["containers"] for one in (ours, theirs))
        assert mine["name"] == its["name"]
    service = theirs["spec"]["scheduler"]["service"]
    assert ours["spec"]["scheduler"]["service"]["selector"] == service["selector"]
    assert ours["spec"]["scheduler"]["service"]["ports"][0] == service["ports"][0]


def test_settings_that_pods_need_are_named() -> None:
    with pytest.raises(ConfigError, match=r"launcher\.kubernetes\.image is not set"):
        require_settings(KubernetesConfig())
    with pytest.raises(ConfigError, match=r"launcher\.kubernetes\.claim is not set"):
        require_settings(KubernetesConfig(image="xlm:1"))
    with pytest.raises(ConfigError, match="KUBECONFIG"):
        require_settings(_KUBERNETES.model_copy(update={"context": "other"}))
    elsewhere = _KUBERNETES.model_copy(update={"mount_path": "/data"})
    with pytest.raises(ClusterError, match="which does not contain /shared/data"):
        cluster_spec(DaskConfig(cluster="kubernetes"), elsewhere, _ROOT, "a")


def test_the_script_of_a_worker_has_the_settings_of_training_jobs(tmp_path: Path) -> None:
    jobqueue = pytest.importorskip("dask_jobqueue.slurm")
    launcher = LauncherConfig.model_validate(
        {"slurm": {"partition": "gpu", "account": "p1", "qos": "long", "setup": ["module load x"]}}
    )
    settings = DaskConfig(cluster="slurm", threads=8, memory="30G", partition="cpu")
    options = slurm_options(settings, launcher, tmp_path, "1")
    del options["scheduler_options"]
    script = jobqueue.SLURMJob(scheduler="tcp://10.0.0.1:1", name="w", **options).job_script()
    for line in ("-J xlm-data-1", "-p cpu", "-A p1", "--cpus-per-task=8", "-t 01:00:00"):
        assert f"#SBATCH {line}\n" in script
    assert "#SBATCH --qos=long\nmodule load x\n" in script
    # Secrets of the driver's environment are not among them.
    assert re.search(r"#SBATCH --export=PATH,[A-Z_,]+\n", script)
    assert "--nthreads 8" in script
    # The logs outlive the folder of the run.
    assert f"#SBATCH -o {tmp_path}/cache/dask-logs/1/xlm-data-1-%J.out\n" in script


@pytest.mark.slow
def test_a_cluster_on_this_machine_opens_no_port_to_others(tmp_path: Path) -> None:
    store = ArtifactStore.open(str(tmp_path / "store"))
    settings = DaskConfig(cluster="local", workers=1, threads=2, connect_seconds=120)
    with open_dask(store, settings, LauncherConfig()) as executor:
        assert executor.workers == 2
        assert executor.address.startswith("tls://")
        mapped = ExecutorMapper(executor, Usage()).map(items.double, range(5))
        assert list(mapped) == [0, 2, 4, 6, 8]
        sockets = listening_sockets_of(descendants_of(os.getpid()))
    assert len(sockets) >= 4
    assert all(one.is_loopback for one in sockets), sockets
