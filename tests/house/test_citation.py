"""The citation file agrees with the package."""

import tomllib
from typing import Any

import pytest
import yaml

from tests.repository import REPOSITORY


@pytest.fixture(scope="module")
def citation() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text("utf-8"))
    return loaded


@pytest.mark.parametrize(
    ("ours", "theirs"), [("title", "name"), ("version", "version"), ("license", "license")]
)
def test_the_citation_names_this_version(citation: dict[str, Any], ours: str, theirs: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert citation[ours] == project[theirs]


def test_the_citation_has_what_the_format_requires(citation: dict[str, Any]) -> None:
    """Version 1.2.0 of the Citation File Format; GitHub shows nothing for an invalid file."""
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    assert citation["authors"]
    assert all({"type", "title", "authors"} <= set(paper) for paper in citation["references"])


def test_the_papers_are_cited(citation: dict[str, Any]) -> None:
    identifiers = {
        identifier["value"]
        for paper in citation["references"]
        for identifier in paper["identifiers"]
    }
    assert identifiers == {"arXiv:1901.07291", "10.18653/v1/D18-1269"}
