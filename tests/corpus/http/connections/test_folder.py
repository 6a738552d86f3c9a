"""The folder of the locks is ours; else connections are counted in the process, with a warning."""

import errno
import fcntl
import os

import pytest

from xlm.corpus.http.connections import folder as module
from xlm.corpus.http.connections.folder import _find, lock_folder

USER = os.geteuid()


@pytest.fixture(autouse=True)
def forgotten():
    _find.cache_clear()
    yield
    _find.cache_clear()


def test_one_folder_for_all_processes_whatever_their_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("XLM_CONNECTIONS", raising=False)
    first = lock_folder()
    for name in ("TMPDIR", "XDG_RUNTIME_DIR", "XLM_ROOT"):
        monkeypatch.setenv(name, str(tmp_path))
    _find.cache_clear()
    assert first == lock_folder()
    assert first.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("planted", ["link", "link to nothing", "file", "writable", "foreign"])
def test_a_folder_that_another_user_could_have_made_is_not_used(
    tmp_path, monkeypatch, caplog, planted
):
    bad, good = tmp_path / "bad", tmp_path / "good"
    for base in (bad, good):
        base.mkdir()
    path = bad / f"xlm-connections-{USER}"
    user = USER
    if planted.startswith("link"):
        path.symlink_to(good if planted == "link" else tmp_path / "nothing")
    elif planted == "file":
        path.write_bytes(b"")
    else:
        path.mkdir()
        path.chmod(0o777 if planted == "writable" else 0o700)
    if planted == "foreign":
        path.rename(bad / "xlm-connections-4242")
        user = 4242
    found = _find(None, (str(bad), str(good)), user)
    assert found == (None if planted == "foreign" else good / f"xlm-connections-{USER}")
    assert not (tmp_path / "nothing").exists()
    assert ("only counted within this process" in caplog.text) == (planted == "foreign")


def test_a_folder_that_cannot_be_made_is_one_warning(caplog):
    for _ in range(3):
        assert _find(None, ("/proc", "/proc/none"), USER) is None
    assert len(caplog.records) == 1
    assert "XLM_CONNECTIONS" in caplog.text


def test_the_environment_may_name_a_folder_that_users_share(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("XLM_CONNECTIONS", str(tmp_path))
    assert lock_folder() == tmp_path
    monkeypatch.setenv("XLM_CONNECTIONS", str(tmp_path / "none"))
    assert lock_folder() is None
    assert f"{tmp_path / 'none'} cannot be used (it is not a folder)" in caplog.text
    assert module.log.name == "xlm.corpus.http.connections.folder"


def test_a_folder_without_locks_is_not_used(monkeypatch, tmp_path, caplog):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert _find(str(tmp_path), (), USER) is None
    assert os.strerror(errno.ENOLCK) in caplog.text
    assert list(tmp_path.iterdir()) == []
