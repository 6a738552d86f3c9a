"""Checks of the store: its file system, whether it can be written, its free space."""

import os
from collections import namedtuple
from pathlib import Path

import pytest

from xlm.cluster.checks import store
from xlm.cluster.checks.check import Check, Verdict, caught, within
from xlm.cluster.checks.store import check_store, check_visible, file_system_of
from xlm.errors import ClusterError

MOUNTS = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:5 / /tmp rw - tmpfs tmpfs rw
23 21 0:6 / /shared rw - nfs4 server:/export rw
24 23 0:7 / /shared/scratch rw - lustre mds:/scratch rw
25 21 0:8 / /with\\040space rw - fuse.juicefs JuiceFS:x rw
26 21 0:9 / /odd rw - quantumfs none rw
27 21 0:10 / /data rw - ext4 /dev/sdb rw
28 21 0:11 / /data rw - beegfs beegfs_nodev rw
garbage
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTS, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("path", "kind", "verdict"),
    [
        ("/nowhere/store", "ext4", "warning"),
        ("/tmp/store", "tmpfs", "warning"),
        ("/tmpfiles", "ext4", "warning"),
        ("/shared/store", "nfs4", "ok"),
        ("/shared/scratch/me", "lustre", "ok"),
        ("/with space/store", "fuse.juicefs", "ok"),
        ("/odd/store", "quantumfs", "warning"),
        ("/data/store", "beegfs", "ok"),
    ],
)
def test_the_file_system_of_a_path(mounts: Path, path: str, kind: str, verdict: str) -> None:
    assert file_system_of(Path(path), mounts)[0] == kind
    found = check_visible("store", Path(path), mounts)
    assert found.verdict == verdict
    assert (found.verdict == Verdict.OK) == (found.fix == "")


def test_a_link_is_followed(mounts: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/shared/store")
    assert file_system_of(tmp_path / "link", mounts)[0] == "nfs4"


def _by_name(root: Path) -> dict[str, Check]:
    return {check.name: check for check in check_store(root)}


def test_nothing_is_left_and_nothing_is_made(tmp_path: Path) -> None:
    checks = _by_name(tmp_path / "a" / "store")
    assert list(checks) == ["store", "store is writable", "free space"]
    assert checks["store is writable"].verdict == Verdict.OK
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_cannot_be_written() -> None:
    found = _by_name(Path("/proc/store"))["store is writable"]
    assert found.has_failed
    assert "choose another --root" in found.fix


def test_free_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    for free, verdict in ((10**12, "ok"), (10**10, "warning"), (10**8, "failed")):
        monkeypatch.setattr(
            store.shutil, "disk_usage", lambda path, free=free: usage(10**13, 0, free)
        )
        found = _by_name(tmp_path)["free space"]
        assert found.verdict == verdict
        assert " free of 10.0 TB" in found.found
    real = os.statvfs(tmp_path)
    full = namedtuple("full", "f_files f_favail")
    monkeypatch.setattr(store.os, "statvfs", lambda path: full(real.f_files, 3))
    assert _by_name(tmp_path)["free space"].found == "room for 3 files only"


def test_errors_become_failed_checks() -> None:
    def broken(error: Exception):  # type: ignore[no-untyped-def]
        yield Check.ok("first", "fine")
        raise error

    first, second = caught("second", broken(ClusterError("it broke", fix="repair it")))
    assert (first.name, second.found, second.fix) == ("first", "it broke", "repair it")
    *_, last = caught("second", broken(OSError(28, "No space left on device", "/x")))
    assert last.found == "/x: No space left on device"
    *_, last = caught("second", broken(TimeoutError("no answer within 1 s")))
    assert last.found == "no answer within 1 s"


def test_a_call_that_hangs_is_left_behind() -> None:
    read, write = os.pipe()
    try:
        with pytest.raises(TimeoutError, match=r"no answer within 0\.1 s"):
            within(0.1, lambda: os.read(read, 1))
    finally:
        os.write(write, b"x")
        os.close(write)
    assert within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_passwords_are_redacted() -> None:
    check = Check.failed("a", "http://me:canary@server refused", "ask http://me:canary@server")
    assert "canary" not in repr(check)
