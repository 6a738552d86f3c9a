"""Pretraining in pods: equal to a local run, whatever happens to pods, server and watcher.

The pods are processes of this machine, which the kubelet of the fake API server starts from the
manifests that we create.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.kubernetes.conftest import IMAGE, role_rules
from tests.cluster.kubernetes.fake_api.controllers import Controllers
from tests.cluster.kubernetes.fake_api.faults import Drop, Refuse
from tests.cluster.kubernetes.fake_api.server import NAMESPACE, FakeApi
from tests.cluster.pretraining import Context, files_of, running
from tests.waiting import wait_until
from xlm.cluster.records import JobRecords
from xlm.config.launcher.launcher import LauncherConfig
from xlm.errors import ClusterError
from xlm.processes.lasting import cancel_jobs
from xlm.stages.model.pretrain import PRETRAIN

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(900)]

Make = Callable[..., Context]
LONG: dict[str, object] = {
    "updates": 240, "validation_updates": 120, "checkpoint_updates": 20, "save_seconds": 8,
    "collective_timeout_seconds": 60,
}  # fmt: skip
"""Long enough to do something to the job in its middle."""
_QUEUE_SECONDS = 5.0


@pytest.fixture
def cluster_of_processes(request: pytest.FixtureRequest) -> Iterator[Controllers]:
    """A cluster whose pods are processes."""
    with (
        FakeApi(rules=role_rules(), has_jobsets=request.param == "jobset") as api,
        Controllers(api) as controllers,
    ):
        yield controllers


@pytest.fixture
def in_pods(
    cluster_of_processes: Controllers,
    make_context: Make,
    tmp_path: Path,
) -> Make:
    """Make the context of a pretraining with two processes."""
    kubeconfig = cluster_of_processes.api.kubeconfig(tmp_path / "kubeconfig", namespace=NAMESPACE)

    def make(name: str, nodes: int = 1, **changes: object) -> Context:
        kubernetes = {"kubeconfig": str(kubeconfig), "image": IMAGE, "claim": "store"}
        settings = LauncherConfig.model_validate(
            {
                "kind": "kubernetes",
                "poll_seconds": 0.5,
                "kubernetes": {**kubernetes, "nodes": nodes, "mount_path": "/"},
            }
        )
        context = make_context(name, **{"processes": 2, **LONG, **changes})
        return replace(context, settings=settings, key="0123456789abcdef01234567")

    return make


@pytest.fixture(scope="module")
def straight() -> dict[str, bytes]:
    """The files of a local run, once it has been made."""
    return {}


@pytest.fixture
def expected(make_context: Make, straight: dict[str, bytes]) -> dict[str, bytes]:
    """The files of a local run with two processes."""
    if not straight:
        context = make_context("straight", processes=2, **LONG)
        PRETRAIN.run(context)
        straight.update(files_of(context))
    return straight


def _attempts(context: Context) -> int:
    return len(JobRecords(context.scratch / "cluster").attempts())


@pytest.mark.parametrize(
    ("cluster_of_processes", "nodes"),
    [("jobset", 2), ("job", 1), ("job", 2)],
    indirect=["cluster_of_processes"],
)
def test_pods_compute_the_bytes_of_a_local_run(
    cluster_of_processes: Controllers, in_pods: Make, expected: dict[str, bytes], nodes: int
) -> None:
    context = in_pods("pods", nodes=nodes)
    result = PRETRAIN.run(context)
    assert files_of(context) == expected
    (attempt,) = JobRecords(context.scratch / "cluster").attempts()
    assert result.measured["job"] == attempt.job_id
    assert cluster_of_processes.kubelet.started == nodes


@pytest.mark.parametrize(
    ("cluster_of_processes", "nodes"),
    [("jobset", 2), ("job", 1)],
    indirect=["cluster_of_processes"],
)
def test_a_preempted_pod_saves_its_state_and_the_job_goes_on(
    cluster_of_processes: Controllers, in_pods: Make, expected: dict[str, bytes], nodes: int
) -> None:
    context = in_pods("preempted", nodes=nodes)
    kubelet = cluster_of_processes.kubelet
    with running(context) as run:
        kubelet.preempt(kubelet.running()[-1])
        run.result()
    assert files_of(context) == expected
    assert kubelet.started == 2 * nodes
    assert _attempts(context) == 2


@pytest.mark.parametrize("cluster_of_processes", ["jobset", "job"], indirect=True)
def test_a_node_that_dies_is_replaced(
    cluster_of_processes: Controllers, in_pods: Make, expected: dict[str, bytes]
) -> None:
    context = in_pods("killed", nodes=2)
    kubelet = cluster_of_processes.kubelet
    with running(context) as run:
        kubelet.kill(kubelet.running()[-1])
        run.result()
    assert files_of(context) == expected
    assert _attempts(context) == 2


@pytest.mark.parametrize("cluster_of_processes", ["job"], indirect=True)
def test_a_wait_for_a_node_is_no_time_of_processes(
    cluster_of_processes: Controllers, in_pods: Make
) -> None:
    """GPU hours had the time for which the job was in the queue."""
    context = in_pods("waiting", updates=20, validation_updates=20)
    kubelet, objects = cluster_of_processes.kubelet, cluster_of_processes.api.objects
    kubelet.is_paused = True

    def wait_in_the_queue() -> float:
        wait_until(lambda: objects.list("pods", NAMESPACE)[0], "no pod came")
        began = time.monotonic()
        time.sleep(_QUEUE_SECONDS)
        waited = time.monotonic() - began
        kubelet.is_paused = False
        return waited

    with ThreadPoolExecutor(1) as pool:
        queue = pool.submit(wait_in_the_queue)
        measured = PRETRAIN.run(context).measured
        waited = queue.result()
    seconds, process_seconds = measured["seconds"], measured["process_seconds"]
    assert isinstance(seconds, float)
    assert isinstance(process_seconds, float)
    assert 0 < process_seconds <= 2 * (seconds - waited)


@pytest.mark.parametrize("cluster_of_processes", ["job"], indirect=True)
def test_out_of_memory_is_not_repeated(cluster_of_processes: Controllers, in_pods: Make) -> None:
    context = in_pods("memory")
    kubelet = cluster_of_processes.kubelet
    with running(context) as run:
        kubelet.exhaust_memory(kubelet.running()[-1])
        with pytest.raises(ClusterError, match=r"ran out of memory \(OOMKilled"):
            run.result()
    assert kubelet.started == 1


@pytest.mark.parametrize("cluster_of_processes", ["jobset"], indirect=True)
def test_a_cancelled_job_leaves_nothing(
    cluster_of_processes: Controllers, in_pods: Make, expected: dict[str, bytes]
) -> None:
    context = in_pods("cancelled", nodes=2)
    kubelet = cluster_of_processes.kubelet
    with running(context) as run:
        cancel_jobs()
        began = time.monotonic()
        with pytest.raises(ClusterError, match="was cancelled on request"):
            run.result()
        assert cluster_of_processes.api.objects.everything() == []
        assert kubelet.running() == []
        assert time.monotonic() - began < 20
    PRETRAIN.run(context)
    assert files_of(context) == expected


@pytest.mark.parametrize("cluster_of_processes", ["jobset"], indirect=True)
def test_a_server_that_is_down_for_a_while_is_waited_for(
    cluster_of_processes: Controllers, in_pods: Make, expected: dict[str, bytes]
) -> None:
    context = in_pods("outage")
    faults = cluster_of_processes.api.faults
    faults.add("POST jobs", Drop(after=True))
    faults.add("POST jobsets", Drop(after=True))
    with running(context) as run:
        faults.permanent = Refuse(503, "the server is down")
        time.sleep(5)
        assert not run.done()
        faults.permanent = None
        run.result()
    assert files_of(context) == expected
    assert cluster_of_processes.kubelet.started == 1
