"""Phrases that no longer appear in the source, its messages and the documents.

Single words are in `infra/words.txt`, which `make check` gives to codespell.
"""

import re
import subprocess

import pytest

from tests.repository import REPOSITORY

_PHRASES = {
    r"by heart": "memorize",
    r"by lot": "at random",
    r"do(es)? not agree": "differ",
    r"fetch it again": "download it again",
    r"for ever": "forever, or: is never deleted",
    r"for want of": "without, because there is no",
    r"in vain": "without success",
    r"is had": "is obtained, is found",
    r"(?<!there )is no (?!longer\b|reason\b)\w+": "is not a",
    r"make room": "free space",
    r"run the set-up": "run `make setup`",
    r"some times a": "several times a",
    r"stands? twice": "appears twice",
    r"turned round": "inverted",
    r"was cut short": "is truncated",
    r"what came of": "the result of",
    r"which is none": "which is not one",
}
"""A regular expression and what to write instead."""
_FILES = ("*.py", "*.md", "*.yaml", "*.toml", "*.sh")
_EXEMPT = ("CODE_OF_CONDUCT.md", "tests/house/test_wording.py")


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    listed = subprocess.run(
        ["git", "ls-files", *_FILES], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    files = [name for name in listed.stdout.splitlines() if name not in _EXEMPT]
    assert len(files) > 500
    return {
        name: (REPOSITORY / name).read_text() for name in files if (REPOSITORY / name).is_file()
    }


@pytest.mark.parametrize(("phrase", "instead"), _PHRASES.items())
def test_old_phrases_do_not_come_back(texts: dict[str, str], phrase: str, instead: str) -> None:
    pattern = re.compile(rf"\b{phrase}\b", re.IGNORECASE)
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}"
        for name, text in texts.items()
        for match in pattern.finditer(text)
    ]
    assert not found, f"write {instead!r} instead: {found}"
