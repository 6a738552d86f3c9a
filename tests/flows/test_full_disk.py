"""A run that the disk cannot hold sends no request."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.corpus.http.raw_server import raw_server

URL = (
    "https://dumps.wikimedia.org/swwiki/20261101/swwiki-20261101-pages-articles-multistream.xml.bz2"
)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "sources fetch"])
def test_the_disk_is_checked_before_the_first_byte(tmp_path: Path, command: str) -> None:
    lock = tmp_path / "my.lock.yaml"
    entry = {"url": URL, "size_bytes": 10**17, "sha256": "0" * 64, "date": "2026-11-28"}
    lock.write_text(yaml.safe_dump({"version": 1, "downloads": {"wikipedia.sw": entry}}))
    asked: list[bytes] = []
    with raw_server(lambda connection, request: asked.append(request)) as url:
        words = [sys.executable, "-m", "flows.commands.main", *command.split()]
        words += ["--profile", "mini15", "--languages", "en,sw", "--set", f"sources.mirror={url}"]
        words += ["--set", "sources.wikipedia.head_bytes=null", "--set", f"sources.lock={lock}"]
        words += ["--root", str(tmp_path / "root")]
        last = ["--until", "download"] if command == "run" else ["--to", str(tmp_path / "mirror")]
        done = subprocess.run([*words, *last], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    (line,) = (one for one in done.stderr.splitlines() if " on the disk of " in one)
    assert line.startswith("xlm: ")
    assert " free" in line
    assert asked == []
