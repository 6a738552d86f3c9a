"""The trial job of `xlm launch check --submit` in a pod that is a process of this machine."""

from pathlib import Path

import pytest

from tests.cluster.kubernetes.conftest import IMAGE
from tests.cluster.kubernetes.fake_api.controllers import Controllers
from tests.cluster.kubernetes.fake_api.server import NAMESPACE, FakeApi
from xlm.cluster.checks.trial import run_trial
from xlm.config.reading.resolve import resolve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def _run(fake: FakeApi, folder: Path, wait_seconds: float) -> dict[str, str]:
    kubeconfig = fake.kubeconfig(folder / "kubeconfig", namespace=NAMESPACE)
    settings = {
        "kubeconfig": kubeconfig, "image": IMAGE, "claim": "store", "mount_path": "/", "nodes": 2,
    }  # fmt: skip
    overrides = [f"launcher.kubernetes.{name}={value}" for name, value in settings.items()]
    config = resolve("sample", ("launcher.kind=kubernetes", *overrides), ())
    checks = run_trial(
        config, folder / "store", wait_seconds=wait_seconds, report=lambda line: None
    )
    found = {check.name: check.verdict.value for check in checks}
    assert fake.objects.everything() == []
    assert [path.name for path in folder.iterdir()] == ["kubeconfig"]
    return found


def test_a_pod_reports_and_nothing_is_left(fake: FakeApi, tmp_path: Path) -> None:
    with Controllers(fake):
        found = _run(fake, tmp_path, 200)
    assert found == dict.fromkeys(
        ["trial job", "store on the node", "versions on the node", "GPU on the node"], "ok"
    )


def test_a_pod_that_waits_is_removed(fake: FakeApi, tmp_path: Path) -> None:
    with Controllers(fake) as controllers:
        controllers.kubelet.is_paused = True
        assert _run(fake, tmp_path, 2) == {"trial job": "failed"}
