"""Paths of the user's own files that cannot be read as files."""

import os
from pathlib import Path

import pytest

from xlm.corpus.local_files import find_files
from xlm.errors import ConfigError


def test_a_link_is_broken_only_if_nothing_is_there(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "broken").symlink_to("absent")
    with pytest.raises(ConfigError, match="link is not a regular file"):
        find_files(str(tmp_path / "link"), "sources.text")
    with pytest.raises(ConfigError, match="broken is a broken link"):
        find_files(str(tmp_path / "broken"), "sources.text")
