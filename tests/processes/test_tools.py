"""Where third-party programs are found."""

import os
import sys
from pathlib import Path

import pytest

from xlm.errors import ToolError
from xlm.processes.tools import find_program


def _tool(folder: Path) -> Path:
    folder.mkdir()
    tool = folder / "some-tool"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    return tool


def test_a_program_next_to_python_comes_before_one_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path, sibling = _tool(tmp_path / "path"), _tool(tmp_path / "environment")
    monkeypatch.setenv("PATH", str(on_path.parent) + os.pathsep + os.environ["PATH"])
    assert find_program("some-tool") == on_path
    monkeypatch.setattr(sys, "executable", str(sibling.with_name("python")))
    assert find_program("some-tool") == sibling


def test_a_missing_program_is_named_with_the_way_to_get_it() -> None:
    with pytest.raises(ToolError, match=r"no-such-tool is not installed: .*not on PATH; buy it"):
        find_program("no-such-tool", fix="buy it")
