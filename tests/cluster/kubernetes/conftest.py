"""Fixtures: a fake API server under the Role of infra/kubernetes/training, and a scheduler."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.kubernetes.fake_api.server import NAMESPACE, FakeApi
from tests.repository import REPOSITORY
from xlm.cluster.job import ClusterJob
from xlm.cluster.kubernetes.access import connect
from xlm.cluster.kubernetes.api import ClusterApi
from xlm.cluster.kubernetes.scheduler import KubernetesScheduler
from xlm.config.launcher.kubernetes import KubernetesConfig

ROLE = REPOSITORY / "infra" / "kubernetes" / "training" / "role.yaml"
IMAGE = "registry.example/xlm-pipeline@sha256:" + "0" * 64
NAME = "xlm-pretrain-0123456789ab-c0ffee"
MakeScheduler = Callable[..., KubernetesScheduler]


def role_rules() -> list[dict[str, Any]]:
    """The rules of our Role."""
    documents = yaml.safe_load_all(ROLE.read_text(encoding="utf-8"))
    return next(list(one["rules"]) for one in documents if one["kind"] == "Role")


def cluster_job(root: Path, **fields: Any) -> ClusterJob:
    """A job of one node with one process."""
    directory = root / "staging" / "pretrain" / "cluster"
    values: dict[str, Any] = {
        "name": NAME,
        "directory": directory,
        "module": "xlm.training.launch.entry",
        "job_file": directory.parent / "job.json",
        "nodes": 1,
        "processes_per_node": 1,
        "threads_per_process": 2,
        "log_path": directory.parent / "logs" / "processes.log",
        "save_seconds": 30,
        "uses_gpu": False,
        "folders": (root,),
    }
    return ClusterJob(**values | fields)


@pytest.fixture(params=[True, False], ids=["jobset", "job"])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeApi]:
    """A cluster with JobSet and one without; every test must do with our Role."""
    with FakeApi(rules=role_rules(), has_jobsets=request.param) as api:
        yield api


@pytest.fixture
def jobset_fake() -> Iterator[FakeApi]:
    """A cluster with JobSet."""
    with FakeApi(rules=role_rules()) as api:
        yield api


@pytest.fixture
def plain_fake() -> Iterator[FakeApi]:
    """A cluster without JobSet."""
    with FakeApi(rules=role_rules(), has_jobsets=False) as api:
        yield api


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of the store."""
    return tmp_path / "store"


@pytest.fixture
def scheduler_for(tmp_path: Path) -> MakeScheduler:
    """Makes schedulers: `scheduler_for(fake, patience_seconds=1, claim=...)`."""

    def make(
        fake: FakeApi, *, patience_seconds: float = 20.0, **fields: Any
    ) -> KubernetesScheduler:
        kubeconfig = fake.kubeconfig(tmp_path / f"kube-{fake.port}", namespace=NAMESPACE)
        values = {"kubeconfig": str(kubeconfig), "image": IMAGE, "claim": "store"}
        settings = KubernetesConfig(**values | fields)
        # Waits are shorter than for a real server.
        api = ClusterApi(
            connect(settings), patience_seconds=patience_seconds, wait=lambda seconds: None
        )
        return KubernetesScheduler(settings, api=api)

    return make
