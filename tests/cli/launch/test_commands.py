"""`xlm launch show` and `xlm launch logs`, as a user calls them."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from tests.cluster.kubernetes import statuses
from tests.cluster.kubernetes.conftest import NAME, cluster_job, role_rules
from tests.cluster.kubernetes.fake_api.schemas import errors_of
from tests.cluster.kubernetes.fake_api.server import FakeApi
from xlm.cli.main import app
from xlm.cluster.kubernetes.scheduler import KubernetesScheduler
from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.errors import ClusterError, ConfigError

KUBERNETES = (
    "--launcher", "kubernetes", "--set", "launcher.kubernetes.image=registry.example/xlm:1",
    "--set", "launcher.kubernetes.claim=store",
)  # fmt: skip


def _run(*words: str) -> str:
    result = CliRunner().invoke(app, ["launch", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def _fails(*words: str) -> Exception:
    result = CliRunner().invoke(app, ["launch", *words])
    assert isinstance(result.exception, Exception)
    return result.exception


@pytest.mark.parametrize(("workload", "kinds"), [("auto", ["JobSet"]), ("job", ["Service", "Job"])])
def test_the_manifest_is_what_the_api_server_accepts(
    tmp_path: Path, workload: str, kinds: list[str]
) -> None:
    printed = _run(
        *("show", "--profile", "xnli15", "--root", str(tmp_path), *KUBERNETES),
        *("--set", "launcher.kubernetes.nodes=2"),
        *("--set", f"launcher.kubernetes.workload={workload}"),
    )
    documents = list(yaml.safe_load_all(printed))
    assert [one["kind"] for one in documents] == kinds
    assert [errors_of(one) for one in documents] == [[]] * len(kinds)
    assert str(tmp_path) in printed
    assert "nvidia.com/gpu: '4'" in printed
    assert list(tmp_path.iterdir()) == []


def test_the_batch_script_is_printed(tmp_path: Path) -> None:
    printed = _run("show", "--profile", "mini15", "--root", str(tmp_path), "--launcher", "slurm")
    assert printed.startswith("#!/bin/bash\n#SBATCH --job-name=xlm-pretrain-")


def test_nothing_is_submitted_on_this_machine() -> None:
    error = _fails("show")
    assert isinstance(error, ConfigError)
    assert str(error).startswith("launcher.kind is local: nothing is submitted; add --launcher")


def test_missing_settings_are_reported() -> None:
    assert "launcher.kubernetes.image is not set" in str(_fails("show", *KUBERNETES[:2]))
    assert "launcher.kind is slurm, which has no pods" in str(
        _fails("logs", NAME, "--launcher", "slurm")
    )


def test_the_lines_of_pods_are_printed(tmp_path: Path) -> None:
    with FakeApi(rules=role_rules(), has_jobsets=False) as fake:
        kubeconfig = str(fake.kubeconfig(tmp_path / "kubeconfig", namespace="xlm"))
        settings = KubernetesConfig(kubeconfig=kubeconfig, image="a", claim="store")
        KubernetesScheduler(settings).submit(cluster_job(tmp_path))
        job = statuses.attempt(fake)
        pod = statuses.add_pod(fake, job)
        fake.logs[pod] = b"agent: attempt 1\x1b[31m\n"
        statuses.fail_pod(fake, pod, 3)
        statuses.fail_attempt(fake, job, "PodFailurePolicy", "exit code 3 ")
        choice = (*KUBERNETES, "--set", f"launcher.kubernetes.kubeconfig={kubeconfig}")
        printed = _run("logs", NAME, *choice)
        assert printed.startswith(f"{pod}: agent: attempt 1")
        assert "\x1b" not in printed
        error = _fails("logs", "xlm-other", *choice)
    assert isinstance(error, ClusterError)
    assert "there is no job xlm-other in namespace xlm" in str(error)
