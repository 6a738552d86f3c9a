"""The credential program of a kubeconfig: what it prints is used, and it cannot hang a run."""

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import Configuration

from tests.cluster.kubernetes.fake_api.server import TOKEN, FakeApi
from tests.waiting import wait_until
from xlm.cluster.kubernetes.access import Access, connect
from xlm.cluster.kubernetes.api import JOBS, ClusterApi
from xlm.cluster.kubernetes.kubeconfig import load_kubeconfig
from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.errors import ClusterError, ConfigError, UnreachableClusterError

VERSION = "client.authentication.k8s.io/v1"
Make = Callable[..., Access]


def _printed(**status: str) -> str:
    return json.dumps({"apiVersion": VERSION, "kind": "ExecCredential", "status": status})


@pytest.fixture
def write(plain_fake: FakeApi, tmp_path: Path) -> Callable[..., Path]:
    """Writes a kubeconfig with a program, which is a shell script."""

    def make(script: str, **changes: Any) -> Path:
        program = tmp_path / "login"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        path = plain_fake.kubeconfig(tmp_path / "config")
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        settings = {"apiVersion": VERSION, "command": str(program), **changes}
        document["users"][0]["user"] = {"exec": settings}
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    return make


@pytest.fixture
def access(write: Callable[..., Path]) -> Make:
    """Connects with a program."""

    def make(script: str, *, seconds: float = 60, **changes: Any) -> Access:
        path = str(write(script, **changes))
        return connect(KubernetesConfig(kubeconfig=path, credentials_seconds=seconds))

    return make


def test_the_token_of_the_program_is_sent(access: Make, plain_fake: FakeApi) -> None:
    ClusterApi(access(f"echo '{_printed(token=TOKEN)}'")).find(JOBS)
    assert len(plain_fake.requests) == 1
    with pytest.raises(ClusterError, match="log in again"):
        ClusterApi(access(f"echo '{_printed(token='another')}'")).find(JOBS)


def test_a_certificate_with_its_key_is_used(write: Callable[..., Path]) -> None:
    printed = _printed(clientCertificateData="certificate", clientKeyData="key")
    path, configuration = write(f"echo '{printed}'"), Configuration()
    text = path.read_text(encoding="utf-8").replace("http:", "https:")
    path.write_text(text, encoding="utf-8")
    load_kubeconfig(str(path), None, configuration, seconds=60)
    assert Path(configuration.cert_file).read_text() == "certificate"
    assert Path(configuration.key_file).read_text() == "key"


def test_the_program_gets_its_arguments_and_variables(access: Make, tmp_path: Path) -> None:
    script = f'echo "$1 $A" > {tmp_path}/seen; echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/info'
    access(
        f"{script}; echo '{_printed(token=TOKEN)}'",
        command="./login",  # next to the kubeconfig
        args=["get token"],
        env=[{"name": "A", "value": "b c"}],
        provideClusterInfo=True,
    )
    assert (tmp_path / "seen").read_text() == "get token b c\n"
    info = json.loads((tmp_path / "info").read_text())
    assert (info["apiVersion"], info["kind"]) == (VERSION, "ExecCredential")
    assert info["spec"]["cluster"]["server"].startswith("http://127.0.0.1:")


def test_a_program_may_ask_the_user(write: Callable[..., Path]) -> None:
    """As `aws` does for the code of a device; its question is not ours to hide."""
    printed = _printed(token="code")
    path = write(f"printf 'Code: ' >&2; read code; echo '{printed}' | sed s/code/$code/")
    ours, theirs = pty.openpty()
    code = (
        "from xlm.cluster.kubernetes.access import connect\n"
        "from xlm.config.launcher.kubernetes import KubernetesConfig\n"
        f"found = connect(KubernetesConfig(kubeconfig={str(path)!r}))\n"
        "print(found.client.configuration.api_key['BearerToken'])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True
    ) as process:
        shown = b""
        while b"Code: " not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, b"123456\n")
        assert process.communicate(timeout=120)[0] == "Bearer 123456\n"
    os.close(ours)
    os.close(theirs)


def test_a_program_that_hangs_is_ended(access: Make, tmp_path: Path) -> None:
    """The package has no limit, and `xlm run` hung with it."""
    began = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        access(f"sleep 600 & echo $! > {tmp_path}/pid; wait", seconds=1.5)
    assert time.monotonic() - began < 60
    assert str(caught.value) == (
        f"the credential program {tmp_path}/login of the kubeconfig did not end within 1.5 s; "
        "`kubectl auth whoami` runs it too, and shows what it says; log in there, or raise "
        "launcher.kubernetes.credentials_seconds"
    )
    process = Path("/proc", (tmp_path / "pid").read_text().strip())
    wait_until(lambda: not process.exists() or _is_zombie(process), "it still runs")


def _is_zombie(process: Path) -> bool:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'session expired:' >&2; echo 'log in' >&2; exit 3",
         "failed with status 3: session expired: log in; `kubectl auth whoami`"),
        ("echo canary", "printed no ExecCredential"),
        ("echo '[]'", "printed no ExecCredential"),
        ("echo '{\"apiVersion\": \"canary\", \"status\": {\"token\": \"canary\"}}'",
         "another version of its API than exec.apiVersion, client.authentication.k8s.io/v1"),
        (f"echo '{_printed()}'", "neither a token nor a certificate with its key"),
        (f"echo '{_printed(clientKeyData='canary')}'", "neither a token nor a certificate"),
        (f"cat <<'E'\n{_printed(token='canary' + chr(10) + 'b')}\nE", "invalid token"),
        (f"echo '{_printed(token='canary', expirationTimestamp='soon')}'", "an invalid token"),
    ],
)  # fmt: skip
def test_a_program_that_fails_is_named(access: Make, script: str, message: str) -> None:
    """The package only logged it, and asked the server without credentials."""
    with pytest.raises(ConfigError) as caught:
        access(script)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"command": "no-such-program"}, "no-such-program of the kubeconfig cannot start: .*"
         "No such file.*; install it, or correct the kubeconfig"),
        ({"command": None}, "names no credential program: exec has no command"),
        ({"apiVersion": None}, "no apiVersion"),
    ],
)  # fmt: skip
def test_a_program_that_cannot_start_is_named(
    access: Make, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        access("exit 0", **changes)


def test_a_token_that_expires_is_asked_for_again(access: Make, tmp_path: Path) -> None:
    """A program that then fails or hangs is an outage: the job goes on, and we ask again."""
    expired = _printed(token=TOKEN, expirationTimestamp="2020-01-01T00:00:00Z")
    found = access(f"echo >> {tmp_path}/calls; echo '{expired}'", seconds=1.5)
    api = ClusterApi(found, patience_seconds=0)
    api.find(JOBS)
    assert len((tmp_path / "calls").read_text()) == 2
    for script, message in (("exit 1", "failed with status 1"), ("sleep 600", "did not end")):
        (tmp_path / "login").write_text(f"#!/bin/sh\n{script}\n")
        with pytest.raises(UnreachableClusterError, match=f"login of the kubeconfig {message}"):
            api.find(JOBS)
    (tmp_path / "login").write_text(f"#!/bin/sh\necho '{_printed(token=TOKEN)}'\n")
    api.find(JOBS)


def test_a_removed_plugin_is_refused(plain_fake: FakeApi, tmp_path: Path) -> None:
    """Its `cmd-path` is a program without a limit too."""
    path = plain_fake.kubeconfig(tmp_path / "config")
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    provider = {"name": "gcp", "config": {"cmd-path": "/bin/sleep", "cmd-args": "600"}}
    document["users"][0]["user"] = {"auth-provider": provider}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(ConfigError, match="auth-provider gcp, which kubectl has removed"):
        connect(KubernetesConfig(kubeconfig=str(path)))
