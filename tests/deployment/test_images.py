"""The Dockerfile: linted, and what it names exists. No image is built here."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import REPOSITORY

DOCKERFILE = REPOSITORY / "infra" / "docker" / "Dockerfile"
_TEXT = DOCKERFILE.read_text()


def _instructions() -> list[tuple[str, str]]:
    """Each instruction with its arguments, continued lines joined."""
    lines = [line for line in _TEXT.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line]


def _stages() -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage, by its name."""
    stages: dict[str, list[tuple[str, str]]] = {}
    for word, arguments in _instructions():
        if word == "FROM":
            name = arguments.split()[-1]
            stages[name] = []
        elif stages:
            stages[name].append((word, arguments))
    return stages


def _lint(path: Path) -> subprocess.CompletedProcess[str]:
    hadolint = Path(sys.executable).with_name("hadolint")
    command = [hadolint, "--no-color", "--failure-threshold", "style", path]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing(tmp_path: Path) -> None:
    done = _lint(DOCKERFILE)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    worse = tmp_path / "Dockerfile"
    worse.write_text(_TEXT.replace(" --no-install-recommends tini", " tini"))
    assert "DL3015" in _lint(worse).stdout


def test_base_images_have_an_exact_tag() -> None:
    (default,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", _TEXT, re.MULTILINE)
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", default)
    stages = _stages()
    sources = [arguments.split()[0] for word, arguments in _instructions() if word == "FROM"]
    assert set(sources) <= {"${PYTHON_IMAGE}", *stages}


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_an_image_runs_xlm_without_root_and_without_a_compiler(target: str) -> None:
    stages = _stages()
    final = stages["runtime"] + stages[target]
    text = str(final)
    assert "g++" not in text
    assert final[-1] == ("USER", "10001:10001")
    (entry,) = [arguments for word, arguments in final if word == "ENTRYPOINT"]
    assert json.loads(entry) == ["tini", "--", "xlm"]
    (copied,) = [arguments for word, arguments in final if word == "COPY"]
    assert copied == f"--from=build-{target} /opt/xlm /opt/xlm"
    build = str(stages[f"build-{target}"])
    assert "infra/bootstrap.py" in build
    assert "compileall" in build
    assert "TORCH_INDEX_URL" in build


def test_the_extras_of_an_image_exist() -> None:
    import tomllib

    (extras,) = re.findall(r"XLM_EXTRAS=(\S+)", _TEXT)
    known = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert set(extras.split(",")) <= set(known["optional-dependencies"])


def test_a_build_gets_what_the_setup_reads_and_no_secrets() -> None:
    """All else stays out: data, environments, and files of passwords."""
    rules = (REPOSITORY / ".dockerignore").read_text().splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert all((REPOSITORY / name).exists() for name in allowed)
    read = {"flows", "tasks", "xlm", "pyproject.toml", "prefect.yaml", "README.md", "LICENSE"}
    read |= {f"infra/{name}" for name in ("bootstrap.py", "build_learners.py", "constraints.txt")}
    assert allowed == read
