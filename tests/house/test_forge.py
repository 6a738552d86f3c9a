"""The files under `.github`: they parse, and what they name exists."""

from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
FORMS = sorted((REPOSITORY / ".github" / "ISSUE_TEMPLATE").glob("*_*.yml"))
INPUTS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return loaded


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.name)
def test_an_issue_form_is_one_that_github_shows(form: Path) -> None:
    """A form with a fault is left out of the list of templates, without a word."""
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
    """SECURITY.md sends people there who look for a private contact."""
    config = _load(REPOSITORY / ".github" / "ISSUE_TEMPLATE" / "config.yml")
    assert config["blank_issues_enabled"] is True
