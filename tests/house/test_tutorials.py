"""Commands of tutorials are found. `test_end_to_end.py` and `test_own_languages.py` run them."""

from tests.repository import REPOSITORY
from tests.tutorial import commands_of

TUTORIALS = REPOSITORY / "docs" / "tutorials"


def test_commands_are_found() -> None:
    commands = list(commands_of(TUTORIALS / "first-run.md"))
    assert commands.count("xlm run") == 2
    assert commands[-1].startswith("python examples/classify.py")
