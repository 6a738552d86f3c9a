"""Checks of the store, and of other folders that the nodes of a cluster must see.

yield from check_store(root, shared="the nodes of the cluster")
"""

import os
import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

from xlm.cluster.checks.check import STUCK_SECONDS, Check, caught, within
from xlm.display.markdown import format_size

_MOUNTS = Path("/proc/self/mountinfo")
_LOCAL = re.compile(
    r"tmpfs|ramfs|rootfs|devtmpfs|overlay|aufs|squashfs|ext[234]|xfs|btrfs|zfs|f2fs|reiserfs|jfs"
    r"|bcachefs|vfat|exfat|ntfs3?|fuseblk"
)
_SHARED = re.compile(
    r"nfs4?|lustre|gpfs|beegfs|ceph|wekafs|cifs|smb3|smbfs|afs|pvfs2|orangefs|panfs|glusterfs|gfs2"
    r"|ocfs2|9p|virtiofs|quobyte|fuse\..+"
)
_LEAST_BYTES, _FEW_BYTES = 1_000_000_000, 20_000_000_000
_LEAST_FILES = 1000


def check_store(root: Path) -> Iterator[Check]:
    """Whether other machines see the store, and whether it can be written."""
    existing = next((path for path in (root, *root.parents) if path.exists()), Path("/"))
    for name, call in (
        ("store", partial(check_visible, "store", root)),
        ("store is writable", partial(_writable, existing)),
        ("free space", partial(_free_space, existing)),
    ):
        yield from caught(name, _checked(call))


def _checked(call: "partial[Check]") -> Iterator[Check]:
    yield within(STUCK_SECONDS, call)


def check_visible(name: str, path: Path, mounts: Path = _MOUNTS) -> Check:
    """Whether a path is on a file system that other machines can mount too."""
    kind, where = file_system_of(path, mounts)
    found = f"{path} is on {kind} ({where})"
    if _SHARED.fullmatch(kind):
        return Check.ok(name, found)
    reason = (
        "which other machines do not see" if _LOCAL.fullmatch(kind) else "of which we know nothing"
    )
    return Check.warning(
        name,
        f"{found}, {reason}",
        "use a file system that all nodes mount at this path, such as NFS or Lustre; "
        "`xlm launch check --submit` looks from a node",
    )


def file_system_of(path: Path, mounts: Path = _MOUNTS) -> tuple[str, str]:
    """The type of the file system that holds a path, and its mount point.

    The path need not exist. See proc_pid_mountinfo(5).
    """
    resolved = path.resolve()
    best: tuple[int, str, str] = (-1, "unknown", "/")
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        fields, _, rest = line.partition(" - ")
        if len(words := fields.split()) < 5 or not rest:
            continue
        point = re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), words[4])
        # The last mount of a folder hides the earlier ones.
        if resolved.is_relative_to(point) and len(point) >= best[0]:
            best = (len(point), rest.split()[0], point)
    return best[1], best[2]


def _writable(existing: Path) -> Check:
    name = "store is writable"
    try:
        with TemporaryFile(dir=existing) as file:
            file.write(b"xlm launch check\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Check.failed(
            name,
            f"{existing}: {error.strerror or error}",
            "choose another --root, or change its owner, permissions or quota",
        )
    return Check.ok(name, f"a file was written in {existing}")


def _free_space(existing: Path) -> Check:
    name = "free space"
    usage, files = shutil.disk_usage(existing), os.statvfs(existing)
    found = f"{format_size(usage.free)} free of {format_size(usage.total)}"
    if files.f_files and files.f_favail < _LEAST_FILES:
        return Check.failed(name, f"room for {files.f_favail} files only", "remove files")
    if usage.free < _LEAST_BYTES:
        return Check.failed(
            name, found, "free some space (`xlm store gc` shows what is not needed)"
        )
    if usage.free < _FEW_BYTES:
        return Check.warning(name, found, "checkpoints of large models need more")
    return Check.ok(name, found)
