"""A submitter that is killed at any of its requests leaves one job, which the next one finds."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.kubernetes import statuses
from tests.cluster.kubernetes.conftest import IMAGE, NAME, cluster_job, role_rules
from tests.cluster.kubernetes.fake_api.server import NAMESPACE, FakeApi
from tests.repository import REPOSITORY
from xlm.cluster.job import ClusterJob
from xlm.cluster.jobs import Jobs
from xlm.cluster.kubernetes.scheduler import KubernetesScheduler
from xlm.cluster.records import JobRecords
from xlm.config.launcher.kubernetes import KubernetesConfig

pytestmark = [pytest.mark.fault, pytest.mark.slow]

_PROGRAM = """
import sys
from pathlib import Path
from xlm.cluster.job import ClusterJob
from xlm.cluster.jobs import Jobs
from xlm.cluster.kubernetes.scheduler import KubernetesScheduler
from xlm.config.launcher.kubernetes import KubernetesConfig

settings = KubernetesConfig.model_validate_json(sys.argv[1])
Jobs(KubernetesScheduler(settings)).ensure(ClusterJob.read(Path(sys.argv[2])))
"""
_MOST_REQUESTS = 20


def _submit_and_die(
    fake: FakeApi, settings: KubernetesConfig, record: Path, number: int, *, carried_out: bool
) -> bool:
    """Run a submitter that is killed at its request `number`; False: it made fewer."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, settings.model_dump_json(), str(record)],
        cwd=REPOSITORY,
        stderr=subprocess.DEVNULL,
    )

    def kill() -> None:
        process.send_signal(signal.SIGKILL)
        process.wait()

    fake.kill_at(len(fake.requests) + number, kill, carried_out=carried_out)
    process.wait(60)
    fake.kill_at(0, lambda: None, carried_out=False)
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("carried_out", [True, False], ids=["after", "before"])
@pytest.mark.parametrize(("has_jobsets", "nodes"), [(True, 1), (False, 2)], ids=["jobset", "job"])
def test_a_killed_submitter_leaves_one_job(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_jobsets: bool,
    nodes: int,
    carried_out: bool,
) -> None:
    monkeypatch.setattr("xlm.cluster.jobs.SETTLE_SECONDS", 0.5)
    killed = 0
    for number in range(1, _MOST_REQUESTS):
        root = tmp_path / str(number)
        job = cluster_job(root, nodes=nodes)
        record = root / "record.json"
        record.parent.mkdir()
        record.write_bytes(job.to_json())
        assert ClusterJob.read(record) == job
        with FakeApi(rules=role_rules(), has_jobsets=has_jobsets) as fake:
            kubeconfig = fake.kubeconfig(root / "kubeconfig", namespace=NAMESPACE)
            settings = KubernetesConfig(kubeconfig=str(kubeconfig), image=IMAGE, claim="store")
            was_killed = _submit_and_die(fake, settings, record, number, carried_out=carried_out)
            jobs = Jobs(KubernetesScheduler(settings))
            submission = jobs.ensure(job)
            plural = statuses.plural_of(fake)
            workloads = [name for kind, _, name in fake.objects.everything() if kind == plural]
            assert workloads == [f"{NAME}-a1"]
            assert submission.job_id == f"{plural.removesuffix('s')}/{NAME}-a1"
            jobs.cancel(job.name, JobRecords(job.directory))
            assert fake.objects.everything() == []
        if not was_killed:
            break
        killed += 1
    assert killed >= 5
