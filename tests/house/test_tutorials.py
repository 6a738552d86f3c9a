"""Tutorials show profiles that work; `tests/flows/test_end_to_end.py` runs the first one."""

import re
from pathlib import Path

from tests.repository import REPOSITORY
from tests.tutorial import commands_of
from xlm.config.reading.resolve import resolve

TUTORIALS = REPOSITORY / "docs" / "tutorials"


def test_the_profile_of_the_tutorial_on_languages_is_valid(tmp_path: Path) -> None:
    page = (TUTORIALS / "own-languages.md").read_text(encoding="utf-8")
    (profile,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "mine.yaml"
    path.write_text(profile, encoding="utf-8")
    config = resolve(str(path))
    assert config.languages == ("en", "it", "sw")
    assert config.sources.pairs(config.languages) == ("en-it", "en-sw")


def test_commands_are_found() -> None:
    commands = list(commands_of(TUTORIALS / "first-run.md"))
    assert commands.count("xlm run") == 2
    assert commands[-1].startswith("python examples/classify.py")
