"""What the documents name is there."""

import re
from pathlib import Path

import pytest

from tests.repository import REPOSITORY

DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
_SOURCE = re.compile(r"\b(?:bench|flows|infra|tasks|tests|xlm)/[\w/]+\.(?:py|cc|hh|json|yaml)\b")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.name))
def test_files_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = {REPOSITORY / name for name in _SOURCE.findall(text)}
    linked = {document.parent / name for name in _LINK.findall(text)}
    missing = [str(path) for path in sorted(named | linked) if not path.exists()]
    assert not missing
