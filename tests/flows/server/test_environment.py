"""The environment that Prefect runs in: its home, its keys, proxies."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.server.environment import set_up_home, unproxied_loopback, use_server
from xlm.errors import ConfigError

pytestmark = pytest.mark.usefixtures("restored_environment")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, "127.0.0.1,localhost"),
        ("corp.example, localhost", "corp.example,localhost,127.0.0.1"),
        ("*", "*"),
    ],
)
def test_requests_to_this_machine_use_no_proxy(
    monkeypatch: pytest.MonkeyPatch, given: str | None, kept: str
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    if given is not None:
        monkeypatch.setenv("NO_PROXY", given)
    assert unproxied_loopback() == {"no_proxy": kept, "NO_PROXY": kept}


def test_a_home_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for bad in (file, file / "below", "/proc/prefect"):
        monkeypatch.setenv("PREFECT_HOME", str(bad))
        with pytest.raises(ConfigError, match=f"PREFECT_HOME {bad} cannot be used: .*; set it"):
            set_up_home(tmp_path)
    assert file.read_text() == ""


def test_a_relative_home_is_below_the_folder_where_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_HOME", "relative")
    assert set_up_home(tmp_path / "root") == tmp_path / "relative"
    assert os.environ["PREFECT_HOME"] == str(tmp_path / "relative")


_READ_AS_NOBODY = """
import os, pathlib, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for name in sys.argv[1:]:
    try:
        print(pathlib.Path(name).read_text())
    except PermissionError:
        print("refused")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_other_users_can_read_artifacts_but_no_records(
    open_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    os.environ.pop("PREFECT_HOME", None)
    root, artifact = open_path / "root", open_path / "root" / "artifacts" / "text.txt"
    # An earlier version left its records open to all.
    for path in (root / "prefect" / "prefect.db", artifact):
        path.parent.mkdir(parents=True)
        path.write_text("content")
        path.chmod(0o644)
    home = set_up_home(root)
    assert home.stat().st_mode & 0o777 == 0o700
    command = [sys.executable, "-c", _READ_AS_NOBODY, str(home / "prefect.db"), str(artifact)]
    assert subprocess.check_output(command, text=True).split() == ["refused", "content"]


def test_a_folder_of_records_is_private_and_a_folder_of_the_user_is_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    os.environ.pop("PREFECT_HOME", None)
    assert set_up_home(tmp_path / "root").stat().st_mode & 0o777 == 0o700
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o775)
    os.environ["PREFECT_HOME"] = str(shared)
    assert set_up_home(tmp_path / "root").stat().st_mode & 0o777 == 0o775


def test_keys_of_another_server_are_not_sent_to_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_PROFILE"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("PREFECT_API_URL", "theirs")
    use_server({"PREFECT_API_URL": "ours", "PREFECT_API_AUTH_STRING": "ours"})
    assert os.environ["PREFECT_API_URL"] == os.environ["PREFECT_API_AUTH_STRING"] == "ours"
    assert not {"PREFECT_API_KEY", "PREFECT_PROFILE"} & os.environ.keys()


def test_a_fifo_among_our_records_does_not_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_HOME", raising=False)
    (tmp_path / "prefect").mkdir()
    os.mkfifo(tmp_path / "prefect" / "memo_store.toml")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert list(set_up_home(tmp_path).iterdir()) == []
