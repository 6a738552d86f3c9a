"""The pages on one machine and on a shared server: what they name is what the files have."""

import json
import re
import shlex

import yaml

from tests.deployment.test_kubernetes_server import SERVER
from tests.flows.shared_server.compose import COMPOSE
from tests.repository import REPOSITORY
from tests.tutorial import commands_of
from xlm.pipeline.request import RunRequest

ONE_MACHINE = REPOSITORY / "docs" / "how-to" / "one-machine-with-8-gpus.md"
SHARED = REPOSITORY / "docs" / "how-to" / "shared-prefect-server.md"


def test_files_of_the_page_exist() -> None:
    named = re.findall(r"\binfra/[\w./*-]+[\w*]", SHARED.read_text())
    assert len(named) > 5
    for name in named:
        assert list(REPOSITORY.glob(name)) or name == "infra/.env", name


def test_deployment_runs_of_a_page_have_valid_parameters() -> None:
    """Each is what the flow would get, and its configuration resolves."""
    runs = [line for line in commands_of(ONE_MACHINE) if "deployment run" in line]
    assert len(runs) == 2
    for line in runs:
        words = shlex.split(line)
        assert words[:4] == [".venv/bin/prefect", "deployment", "run", "xlm/full-pipeline"]
        given = dict(word.split("=", 1) for word in words[4:] if word != "-p")
        values = given | {
            name: json.loads(value) for name, value in given.items() if value.startswith("[")
        }
        request = RunRequest.model_validate(values)
        assert request.resolve().pretrain.processes == (4 if "overrides" in given else 8)


def test_the_secret_of_the_page_has_the_keys_that_the_pods_read() -> None:
    (command,) = [line for line in commands_of(SHARED) if "create secret" in line]
    created = set(re.findall(r"--from-file=([\w-]+)=", command))
    text = "".join((SERVER / name).read_text() for name in ("server.yaml", "database.yaml"))
    assert created == set(re.findall(r"secretKeyRef: \{name: xlm-prefect, key: ([\w-]+)\}", text))
    assert "create secret generic xlm-prefect " in command


def test_the_variables_of_the_page_are_those_without_a_default() -> None:
    (line,) = [line for line in commands_of(SHARED) if line.startswith("export XLM_POSTGRES")]
    needed = set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text()))
    assert {word.split("=")[0] for word in line.split()[1:]} == needed


def test_the_images_of_the_page_are_those_of_the_files() -> None:
    dockerfile = (REPOSITORY / "infra" / "docker" / "Dockerfile").read_text()
    (image,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    assert f"inspect {image}" in SHARED.read_text()
    assert f"PYTHON_IMAGE={image}@sha256:" in SHARED.read_text()
    (database,) = re.findall(r"XLM_POSTGRES_IMAGE:-([^}]+)\}", COMPOSE.read_text())
    pods = list(yaml.safe_load_all((SERVER / "database.yaml").read_text()))
    assert pods[-1]["spec"]["template"]["spec"]["containers"][0]["image"] == database


def test_units_and_their_files_of_variables_are_named() -> None:
    text = SHARED.read_text()
    for unit in (REPOSITORY / "infra" / "systemd").glob("*.service"):
        (variables,) = re.findall(r"^EnvironmentFile=(\S+)$", unit.read_text(), re.MULTILINE)
        assert variables in text
        assert unit.stem in text
