"""The files under `.github`: they parse, and what they name exists."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.repository import REPOSITORY

FORMS = sorted((REPOSITORY / ".github" / "ISSUE_TEMPLATE").glob("*_*.yml"))
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
PROGRAMS = {"sudo"}
INPUTS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return loaded


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.name)
def test_an_issue_form_is_one_that_github_shows(form: Path) -> None:
    """GitHub leaves an invalid form out of the list of templates, without an error."""
    loaded = _load(form)
    assert loaded["name"]
    assert loaded["description"]
    parts = loaded["body"]
    assert {part["type"] for part in parts} <= INPUTS
    named = [part for part in parts if part["type"] != "markdown"]
    identifiers = [part["id"] for part in named]
    assert len(set(identifiers)) == len(identifiers) > 0
    assert all(part["attributes"]["label"] for part in named)
    # YAML reads a bare Yes as true, which GitHub refuses.
    options = [option for part in named for option in part["attributes"].get("options", ())]
    assert all(isinstance(option, str) for option in options)


def test_a_bug_report_asks_for_version_command_and_log() -> None:
    (form,) = (form for form in FORMS if form.name == "bug_report.yml")
    required = [
        str(part["attributes"])
        for part in _load(form)["body"]
        if part.get("validations", {}).get("required")
    ]
    for wanted in ("xlm --version", "--profile", "--set", "last lines"):
        assert any(wanted in text for text in required), wanted


def test_blank_issues_are_possible() -> None:
    """SECURITY.md tells people to open one to get a private contact."""
    config = _load(REPOSITORY / ".github" / "ISSUE_TEMPLATE" / "config.yml")
    assert config["blank_issues_enabled"] is True


def _jobs(workflow: Path) -> list[dict[str, Any]]:
    return list(_load(workflow)["jobs"].values())


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_commands_of_a_workflow_exist(workflow: Path) -> None:
    commands = [
        step["run"].split()[0] for job in _jobs(workflow) for step in job["steps"] if "run" in step
    ]
    assert commands
    for command in commands:
        program = REPOSITORY / command
        assert command in PROGRAMS or (program.is_file() and os.access(program, os.X_OK)), command


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_can_only_read_and_ends(workflow: Path) -> None:
    assert _load(workflow)["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 60 for job in _jobs(workflow))
    assert not any("permissions" in job for job in _jobs(workflow))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(workflow: Path) -> None:
    """A tag can be moved to other code."""
    actions = [step["uses"] for job in _jobs(workflow) for step in job["steps"] if "uses" in step]
    assert [action for action in actions if not re.search(r"@[0-9a-f]{40}$", action)] == []


def test_ci_tests_the_versions_of_python_that_the_package_names() -> None:
    (job,) = _jobs(REPOSITORY / ".github" / "workflows" / "ci.yml")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    classifier = "Programming Language :: Python :: 3."
    named = [one[len(classifier) - 2 :] for one in project["classifiers"] if classifier in one]
    assert job["strategy"]["matrix"]["python"] == named
    assert project["requires-python"] == f">={named[0]}"
    # `make setup` reads the interpreter from PYTHON.
    assert job["env"]["PYTHON"] == "python${{ matrix.python }}"
