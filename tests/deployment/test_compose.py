"""`infra/compose.yaml`: valid, no default password, and no port off this machine."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from tests.deployment.compose_schema import ComposeFile
from tests.flows.shared_server.compose import COMPOSE, MissingVariableError, service
from tests.repository import REPOSITORY

CUDA = COMPOSE.with_name("compose.cuda.yaml")
SECRETS = {"XLM_PREFECT_TOKEN": "xlm:token", "XLM_POSTGRES_PASSWORD": "password"}


def _config(variables: dict[str, str], *files: Path) -> subprocess.CompletedProcess[str]:
    named = [word for path in files for word in ("--file", str(path))]
    return subprocess.run(
        ["docker-compose", *named, "config", "-q"],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def compose() -> ComposeFile:
    """The file, checked against our schema."""
    return ComposeFile.model_validate(yaml.safe_load(COMPOSE.read_text()))


def test_a_misspelt_key_is_found(compose: ComposeFile) -> None:
    assert set(compose.services) == {"database", "server", "deploy", "worker"}
    text = COMPOSE.read_text().replace("    read_only: true", "    readonly: true")
    with pytest.raises(ValidationError, match="readonly"):
        ComposeFile.model_validate(yaml.safe_load(text))


@pytest.mark.skipif(
    shutil.which("docker-compose") is None,
    reason="docker-compose is not installed (Debian: apt-get install docker-compose)",
)
def test_docker_compose_accepts_it(tmp_path: Path) -> None:
    for files in ((COMPOSE,), (COMPOSE, CUDA)):
        done = _config(SECRETS, *files)
        assert (done.returncode, done.stderr) == (0, "")
    for name in SECRETS:
        left = {other: value for other, value in SECRETS.items() if other != name}
        assert "write a" in _config(left, COMPOSE).stderr
    worse = tmp_path / "compose.yaml"
    worse.write_text(COMPOSE.read_text().replace("    read_only: true", "    readonly: true"))
    assert "readonly" in _config(SECRETS, worse).stderr


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_has_no_default(name: str) -> None:
    left = {other: value for other, value in SECRETS.items() if other != name}
    with pytest.raises(MissingVariableError, match=name):
        service("server", left)
    assert service("server", SECRETS)["environment"]


def test_passwords_are_only_where_they_are_needed(compose: ComposeFile) -> None:
    holders = {
        name: {one for one in SECRETS if one in str(found.environment)}
        for name, found in compose.services.items()
    }
    assert holders == {
        "database": {"XLM_POSTGRES_PASSWORD"},
        "server": {"XLM_POSTGRES_PASSWORD", "XLM_PREFECT_TOKEN"},
        "deploy": {"XLM_PREFECT_TOKEN"},
        "worker": {"XLM_PREFECT_TOKEN"},
    }


def test_ports_are_on_loopback_and_the_database_has_none(compose: ComposeFile) -> None:
    ports = {name: found.ports for name, found in compose.services.items() if found.ports}
    assert set(ports) == {"server"}
    assert all(port.startswith("127.0.0.1:") for port in ports["server"])
    assert compose.networks["records"].internal
    assert compose.services["database"].networks == ["records"]
    assert compose.services["worker"].networks == ["runs"]


def test_our_containers_have_no_capabilities(compose: ComposeFile) -> None:
    for name, found in compose.services.items():
        assert found.security_opt == ["no-new-privileges:true"]
        assert found.cap_drop == ([] if name == "database" else ["ALL"])
        assert ":latest" not in found.image
        assert found.build is None or (REPOSITORY / str(found.build.dockerfile)).is_file()


def test_services_start_in_order(compose: ComposeFile) -> None:
    order = {
        name: {other: rule.condition for other, rule in found.depends_on.items()}
        for name, found in compose.services.items()
    }
    assert order == {
        "database": {},
        "server": {"database": "service_healthy"},
        "deploy": {"server": "service_healthy"},
        "worker": {"deploy": "service_completed_successfully"},
    }
    for name in ("database", "server"):
        assert compose.services[name].healthcheck is not None
