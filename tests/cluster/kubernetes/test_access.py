"""Credentials come from the kubeconfig or from the pod, and stay out of messages."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cluster.kubernetes.conftest import NAME
from tests.cluster.kubernetes.fake_api.server import TOKEN, FakeApi
from xlm.cluster.kubernetes.access import connect
from xlm.cluster.kubernetes.api import JOBS, ClusterApi
from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.errors import ConfigError, UnreachableClusterError


def test_the_namespace_is_that_of_the_settings_or_of_the_context(
    plain_fake: FakeApi, tmp_path: Path
) -> None:
    path = str(plain_fake.kubeconfig(tmp_path / "config", namespace="team-b"))
    assert connect(KubernetesConfig(kubeconfig=path)).namespace == "team-b"
    assert connect(KubernetesConfig(kubeconfig=path, namespace="xlm")).namespace == "xlm"
    assert connect(KubernetesConfig(kubeconfig=path, context="other")).namespace == "default"


def test_the_context_chooses_the_cluster(plain_fake: FakeApi, tmp_path: Path) -> None:
    path = str(plain_fake.kubeconfig(tmp_path / "config"))
    settings = KubernetesConfig(kubeconfig=path, context="other")
    with pytest.raises(UnreachableClusterError, match=r"Connection refused"):
        ClusterApi(connect(settings), patience_seconds=0).find(JOBS)
    assert plain_fake.requests == []


def test_two_clusters_can_be_used_by_one_process(
    jobset_fake: FakeApi, plain_fake: FakeApi, tmp_path: Path
) -> None:
    """The package has a default client for the whole process, which we leave alone."""
    for number, fake in enumerate((jobset_fake, plain_fake)):
        path = fake.kubeconfig(tmp_path / f"config-{number}", namespace="xlm")
        ClusterApi(connect(KubernetesConfig(kubeconfig=str(path)))).find(JOBS)
    assert len(jobset_fake.requests) == len(plain_fake.requests) == 1


@pytest.mark.parametrize(
    ("content", "settings", "message"),
    [
        (None, {}, r"no credentials for a Kubernetes cluster in .*/config: .*; check `kubectl"),
        ("{}", {}, r"no credentials for a Kubernetes cluster in .*/config: "),
        ("a: [", {}, r"no credentials for a Kubernetes cluster in .*/config: "),
        ("[]", {}, r"no credentials for a Kubernetes cluster in .*/config: "),
        ("text", {}, r"no credentials for a Kubernetes cluster in .*/config: "),
        ("valid", {"context": "nowhere"}, r"nowhere.*launcher\.kubernetes\.context"),
    ],
    ids=["missing", "empty", "damaged", "list", "text", "context"],
)
def test_missing_credentials_are_one_line(
    plain_fake: FakeApi,
    tmp_path: Path,
    content: str | None,
    settings: dict[str, str],
    message: str,
) -> None:
    path = tmp_path / "config"
    if content == "valid":
        plain_fake.kubeconfig(path)
    elif content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        connect(KubernetesConfig(kubeconfig=str(path), **settings))
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_the_token_is_not_in_messages_of_failed_requests(
    plain_fake: FakeApi, tmp_path: Path
) -> None:
    path = plain_fake.kubeconfig(tmp_path / "config")
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["clusters"][0]["cluster"]["server"] = "http://me:canary@127.0.0.1:9"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(UnreachableClusterError) as caught:
        ClusterApi(connect(KubernetesConfig(kubeconfig=str(path))), patience_seconds=0).find(JOBS)
    assert "canary" not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_the_missing_package_is_named() -> None:
    program = (
        "import sys; sys.modules['kubernetes'] = None\n"
        "from xlm.cluster.kubernetes.scheduler import KubernetesScheduler\n"
        "from xlm.config.launcher.kubernetes import KubernetesConfig\n"
        "settings = KubernetesConfig(image='a', claim='b')\n"
        f"KubernetesScheduler(settings).find({NAME!r})\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "ConfigError: launcher.kind is kubernetes, but the package of its API is" in ended.stderr
    assert "; install it: pip install 'xlm-pipeline[kubernetes]'" in ended.stderr


def test_the_package_is_imported_only_for_requests() -> None:
    program = (
        "import sys, xlm.cluster.kubernetes.scheduler as scheduler\n"
        "assert 'kubernetes' not in sys.modules and 'urllib3' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("namespace", ["Team B", "../../x", "a.b", "a" * 64, "a\nb", True])
def test_a_namespace_that_is_not_a_name_is_refused(
    plain_fake: FakeApi, tmp_path: Path, namespace: object
) -> None:
    """It becomes a part of URLs."""
    path = str(plain_fake.kubeconfig(tmp_path / "config", namespace=namespace))
    with pytest.raises(ConfigError, match=r"the namespace '.*' of .*/config is not a name of"):
        connect(KubernetesConfig(kubeconfig=path))
    # That of the settings is used in its place.
    assert connect(KubernetesConfig(kubeconfig=path, namespace="xlm")).namespace == "xlm"
