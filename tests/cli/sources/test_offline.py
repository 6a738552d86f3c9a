"""`xlm sources fetch`, `ls` and `lock` as processes: from a server to a run without network."""

import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.sources.made_mirror import PROFILE, write_made_mirror
from tests.flows.console import xlm

pytestmark = pytest.mark.slow


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture
def network(tmp_path: Path) -> Iterator[str]:
    """A server with all files, in place of the network."""
    write_made_mirror(tmp_path / "network")
    handler = partial(_Quiet, directory=str(tmp_path / "network"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "my.yaml"
    path.write_text(PROFILE)
    return path


def test_a_mirror_is_filled_and_a_run_needs_nothing_else(
    network: str, profile: Path, tmp_path: Path
) -> None:
    root, mirror = tmp_path / "data", tmp_path / "the mirror"
    given = ("--profile", str(profile), "--set")
    online = (*given, f"sources.mirror={network}")
    offline = (*given, f"sources.mirror={mirror}")
    printed = xlm(root, "sources", "fetch", *online, "--to", str(mirror))
    assert "mine.en  " in printed
    assert f"Use it with --set sources.mirror='{mirror}'." in printed
    fetched = json.loads(xlm(root, "sources", "fetch", *online, "--to", str(mirror), "--json"))
    assert not any(one["new"] for one in fetched["files"])

    # Whatever else the server has is gone for the machine without network.
    places = {one["id"]: one["here"] for one in _listed(root, offline)}
    assert set(places.values()) == {"mirror"}
    assert "wikipedia.sw" in places
    refused = xlm(root, "sources", "lock", *offline, code=1)
    assert f"{len(places)} of {len(places)} downloads are not in the store: wikipedia.en" in refused
    assert refused.count("\n") == 1
    xlm(root, "run", *offline, "--until", "tokenize")
    assert {one["here"] for one in _listed(root, offline)} == {"store"}

    printed = xlm(root, "sources", "lock", *offline)
    lock = profile.with_name("my.lock.yaml")
    assert f"{lock}: {len(places)} downloads locked\n" in printed
    entries = yaml.safe_load(lock.read_text())["downloads"]
    assert entries["wikipedia.sw"]["first_bytes"] == 12_000
    assert {one["id"]: one["sha256"] for one in _listed(root, offline)} == {
        name: entry["sha256"] for name, entry in entries.items()
    }
    # Another root and the server instead of its copy: the lock accepts the same bytes.
    xlm(tmp_path / "other", "run", *online, "--until", "download")

    text = mirror / "texts.example.org" / "v1" / "train.sw"
    text.write_text(text.read_text().replace("Mwanafunzi 7 ", "Mwanafunzi 8 "))
    printed = xlm(tmp_path / "third", "run", *offline, "--until", "download", code=1)
    assert entries["mine.sw"]["sha256"] in printed
    assert len(set(re.findall(r"sha256 is ([0-9a-f]{64})", printed))) == 1
    assert f"remove mine.sw from {lock}" in printed


def test_a_failed_file_does_not_stop_the_others(
    network: str, profile: Path, tmp_path: Path
) -> None:
    (tmp_path / "network" / "texts.example.org" / "v1" / "train.en").unlink()
    given = ("--profile", str(profile), "--set", f"sources.mirror={network}")
    printed = xlm(tmp_path, "sources", "fetch", *given, "--to", str(tmp_path / "m"), code=1)
    assert "the server answered 404" in printed
    assert printed.splitlines()[-1] == (
        "xlm: 1 of 6 downloads failed: mine.en; run the command again to continue"
    )
    assert (tmp_path / "m" / "texts.example.org" / "v1" / "train.sw").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lock",), "profile sample downloads nothing; lock a profile with downloads"),
        (("fetch", "--to", "m"), "profile sample downloads nothing"),
        (("ls", "--profile", "mini16"), "did you mean 'mini15'?"),
        (("ls", "--set", "sources.lokc=x"), "did you mean 'lock'?"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    printed = xlm(tmp_path, "sources", *arguments, code=1)
    assert printed.startswith("xlm: ")
    assert printed.count("\n") == 1
    assert message in printed


def test_the_sample_world_downloads_nothing(tmp_path: Path) -> None:
    printed = xlm(tmp_path, "sources", "ls", "--languages", "en,sw")
    assert printed.splitlines()[-1] == (
        "5 files, which the sample world makes; nothing is downloaded"
    )


def test_a_profile_of_own_files_downloads_nothing(tmp_path: Path) -> None:
    (tmp_path / "luo.txt").write_text("Japuonj puonjo nyithindo.\n")
    profile = tmp_path / "own.yaml"
    profile.write_text(
        f"""languages: [{{code: luo}}]
classify: null
pretrain: {{objectives: [mlm]}}
sources:
  wikipedia: null
  text: [{{kind: text, name: mine, language: luo, path: {tmp_path}/luo.txt}}]
  parallel: []
"""
    )
    (row,) = _listed(tmp_path, ("--profile", str(profile)))
    assert (row["id"], row["here"], row["size_bytes"]) == ("mine.luo", "local", 26)
    printed = xlm(tmp_path, "sources", "lock", "--profile", str(profile), code=1)
    assert "downloads nothing" in printed


def _listed(root: Path, given: tuple[str, ...]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(xlm(root, "sources", "ls", *given, "--json"))
    return found
