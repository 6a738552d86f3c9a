"""`xlm store export` and `import`: round trips, damaged and malicious archives, kills."""

import json
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engine.toy import ALL_BUILT, ALL_CACHED, Toy
from tests.repository import REPOSITORY
from xlm.engine.stage import Node, StageResult
from xlm.errors import ConfigError, DataError, StoreError, XlmError
from xlm.store.archives.exporting import export_artifacts
from xlm.store.archives.importing import open_archive
from xlm.store.archives.layout import INDEX_NAME
from xlm.store.cleaning.garbage import Needed, collect_garbage
from xlm.store.integrity.verification import verify_store
from xlm.store.store import ArtifactStore
from xlm.store.stored import find_artifact, stored_artifacts, upstream_of

Members = list[tuple[zipfile.ZipInfo, bytes]]


@pytest.fixture
def archive(toy: Toy, tmp_path: Path) -> Path:
    """The artifact of `last` with all that it was built from."""
    toy.run()
    path = tmp_path / "last.zip"
    store = ArtifactStore.open(str(toy.root))
    chosen = find_artifact(store, toy.directory(Node("last", "all")).name)
    export_artifacts(store, [chosen], upstream_of(store, chosen), path, run=None)
    return path


@pytest.fixture
def other(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore.open(str(tmp_path / "other"))


def add(path: Path, store: ArtifactStore) -> list[str]:
    """Import an archive; returns the stages of what was added."""
    with open_archive(path) as archive:
        return [manifest.stage for manifest in archive.publish(store)]


def rewrite(path: Path, change: Callable[[Members], Members]) -> None:
    """Write the archive again with other members; their checksums are right."""
    with zipfile.ZipFile(path) as archive:
        members = [(member, archive.read(member)) for member in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in change(members):
            archive.writestr(member, content)


def test_an_imported_store_has_the_same_artifacts(
    toy: Toy, archive: Path, other: ArtifactStore
) -> None:
    assert sorted(add(archive, other)) == ["join", "last", "read", "read"]
    assert verify_store(other, "deep").damaged == []
    assert not list((other.root / "importing").iterdir())
    before = {(one.stage, one.key): one.manifest for one in stored_artifacts(other)}
    toy.root = other.root
    assert toy.run() == ALL_CACHED
    assert {(one.stage, one.key): one.manifest for one in stored_artifacts(other)} == before
    assert add(archive, other) == []


def test_equal_artifacts_give_equal_archives(toy: Toy, archive: Path, tmp_path: Path) -> None:
    store = ArtifactStore.open(str(toy.root))
    chosen = find_artifact(store, toy.directory(Node("last", "all")).name)
    again = tmp_path / "again.zip"
    export_artifacts(store, [chosen], upstream_of(store, chosen), again, run=None)
    assert again.read_bytes() == archive.read_bytes()
    with pytest.raises(ConfigError, match=r"again\.zip exists; remove it"):
        export_artifacts(store, [chosen], [], again, run=None)
    with pytest.raises(ConfigError, match="does not exist"):
        export_artifacts(store, [chosen], [], tmp_path / "none" / "a.zip", run=None)


def test_a_damaged_artifact_is_not_exported(toy: Toy, archive: Path, tmp_path: Path) -> None:
    store = ArtifactStore.open(str(toy.root))
    chosen = find_artifact(store, toy.directory(Node("last", "all")).name)
    (chosen.directory / "size.txt").write_text("99")
    path = tmp_path / "damaged.zip"
    with pytest.raises(StoreError, match=r"is damaged: size\.txt: it does not match its sha256"):
        export_artifacts(store, [chosen], [], path, run=None)
    assert sorted(one.name for one in tmp_path.glob("*.zip*")) == ["last.zip"]
    assert not list(tmp_path.glob(".*.part"))


def test_other_bytes_of_a_key_are_refused(toy: Toy, archive: Path, other: ArtifactStore) -> None:
    def differ(context: object) -> StageResult:
        (context.out / "size.txt").write_text("other")  # type: ignore[attr-defined]
        return StageResult()

    toy.root = other.root
    toy.with_stage("last", run=differ).run()
    digests = {one.key: one.manifest.digest for one in stored_artifacts(other) if one.manifest}
    with pytest.raises(StoreError, match=r"last\[all\] .* is in the store with other bytes"):
        add(archive, other)
    assert {
        one.key: one.manifest.digest for one in stored_artifacts(other) if one.manifest
    } == digests


def test_a_damaged_artifact_in_the_store_is_replaced(archive: Path, other: ArtifactStore) -> None:
    add(archive, other)
    next(other.root.glob("artifacts/last/*/size.txt")).write_text("99")
    assert add(archive, other) == ["last"]
    assert verify_store(other, "deep").damaged == []


def named(name: str, *, link: bool = False) -> Callable[[Members], Members]:
    """Add a member of this name."""

    def change(members: Members) -> Members:
        member = zipfile.ZipInfo(name)
        member.external_attr = (stat.S_IFLNK if link else stat.S_IFREG) << 16
        return [*members, (member, b"/etc/passwd")]

    return change


def a_link(members: Members) -> Members:
    for member, _ in members:
        if member.filename.endswith("size.txt"):
            member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return members


def other_bytes(members: Members) -> Members:
    return [
        (member, content[:-1] + b"X" if member.filename.endswith("joined.txt") else content)
        for member, content in members
    ]


def longer(members: Members) -> Members:
    return [
        (member, content + b"X" if member.filename.endswith("joined.txt") else content)
        for member, content in members
    ]


def without(name: str) -> Callable[[Members], Members]:
    return lambda members: [one for one in members if not one[0].filename.endswith(name)]


def edited(name: str, change: Callable[[dict], object]) -> Callable[[Members], Members]:
    """Edit the JSON of the members that begin with `name`."""

    def edit(content: bytes) -> bytes:
        value = json.loads(content)
        change(value)
        return json.dumps(value).encode()

    return lambda members: [
        (member, edit(content) if member.filename.startswith(name) else content)
        for member, content in members
    ]


def a_path(path: str) -> Callable[[Members], Members]:
    return edited("manifests/last", lambda manifest: manifest["files"][0].update({"path": path}))


MALICIOUS = {
    "absolute": (named("/etc/cron.d/x"), "does not belong to an artifact"),
    "parent": (named("files/../../x"), "does not belong to an artifact"),
    "further": (named("files/last/x"), "does not belong to an artifact"),
    "folder": (named("files/"), "does not belong to an artifact"),
    "further link": (named("link", link=True), "does not belong to an artifact"),
    "link": (a_link, "is not a regular file"),
    "bytes": (other_bytes, "does not match its sha256"),
    "length": (longer, "the manifest says"),
    "missing file": (without("joined.txt"), "is missing"),
    "missing manifest": (without(".json"), "not an archive of `xlm store export`"),
    "missing last manifest": (
        lambda members: [one for one in members if not one[0].filename.startswith("manifests/l")],
        "is missing",
    ),
    "path up": (a_path("../../../x"), "not a relative path"),
    "path absolute": (a_path("/etc/passwd"), "not a relative path"),
    "path of manifest": (a_path("manifest.json"), "digest does not follow"),
    "key": (
        edited("manifests/last", lambda manifest: manifest["config"].update({"seed": 7})),
        "its key does not follow",
    ),
    "unit": (
        edited("manifests/last", lambda manifest: manifest.update({"unit": "../x"})),
        "its unit or its format",
    ),
    "stage": (
        edited(INDEX_NAME, lambda index: index["artifacts"][0].update({"stage": "../x"})),
        "artifacts.0.stage",
    ),
    "index key": (
        edited(INDEX_NAME, lambda index: index["artifacts"][0].update({"key": "0" * 24})),
        "is missing",
    ),
    "index twice": (
        edited(INDEX_NAME, lambda index: index["artifacts"].append(index["artifacts"][0])),
        "contradicts itself",
    ),
    "format": (
        edited(INDEX_NAME, lambda index: index.update({"format_version": 2})),
        "format_version",
    ),
}


@pytest.mark.parametrize("name", MALICIOUS)
def test_a_malicious_archive_adds_nothing(
    archive: Path, other: ArtifactStore, tmp_path: Path, name: str
) -> None:
    change, message = MALICIOUS[name]
    rewrite(archive, change)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(DataError, match=message) as caught:
        add(archive, other)
    assert "\n" not in str(caught.value)
    assert list(stored_artifacts(other)) == []
    assert {path.name for path in tmp_path.iterdir()} - set(before) <= {"other"}
    assert not list(other.root.rglob("importing/*"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(archive: Path, other: ArtifactStore) -> None:
    rewrite(archive, lambda members: [*members, members[-1]])
    with pytest.raises(DataError, match="contains a file twice"):
        add(archive, other)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_an_incomplete_file_is_refused(archive: Path, other: ArtifactStore, share: float) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match="is not a ZIP file, or it is incomplete"):
        add(archive, other)


def test_a_flipped_bit_anywhere_is_refused_or_harmless(
    toy: Toy, archive: Path, other: ArtifactStore
) -> None:
    whole = archive.read_bytes()
    for place in range(0, len(whole), 97):
        archive.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with suppress(XlmError):  # any other exception is a defect
            add(archive, other)
        assert verify_store(other, "deep").damaged == [], place


@pytest.mark.slow
def test_a_bomb_is_refused(toy: Toy, tmp_path: Path, other: ArtifactStore) -> None:
    def bomb(context: object) -> StageResult:
        (context.out / "size.txt").write_bytes(bytes(80 << 20))  # type: ignore[attr-defined]
        return StageResult()

    toy.with_stage("last", run=bomb).run()
    store = ArtifactStore.open(str(toy.root))
    chosen = find_artifact(store, toy.directory(Node("last", "all")).name)
    path = tmp_path / "bomb.zip"
    export_artifacts(store, [chosen], [], path, run=None)
    with pytest.raises(DataError, match="unpacks to more than 200 times its size"):
        add(path, other)


_IMPORTER = """
import os, signal, sys
from pathlib import Path
from xlm.store.archives import importing
from xlm.store.store import ArtifactStore
place, left = sys.argv[3], int(sys.argv[4])
original = getattr(importing, place)
def killed(*arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments)
setattr(importing, place, killed)
with importing.open_archive(Path(sys.argv[1])) as archive:
    archive.publish(ArtifactStore.open(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.parametrize(
    ("place", "calls", "there"),
    [
        ("write_atomically", 1, 0),
        ("sync_tree", 2, 0),
        ("commit_artifact", 2, 2),
        ("remove_tree", 0, 4),
    ],
)
def test_a_killed_import_leaves_artifacts_whole_or_absent(
    toy: Toy, archive: Path, other: ArtifactStore, place: str, calls: int, there: int
) -> None:
    command = [sys.executable, "-c", _IMPORTER, str(archive), str(other.root), place, str(calls)]
    assert subprocess.run(command, check=False, cwd=REPOSITORY).returncode == -9
    assert len(list(stored_artifacts(other))) == there
    assert verify_store(other, "deep").damaged == []
    assert len(add(archive, other)) == 4 - there
    # The files of the killed import are removed as garbage, and nothing else.
    roots = frozenset()
    with other.leased() as held:
        for one in stored_artifacts(other):
            held.hold(one.stage, one.key)
        found = collect_garbage(other, lambda: Needed(roots))
    assert [one.name for one in found.leftovers] == ["import"]
    assert found.artifacts == []
    assert not list((other.root / "importing").iterdir())
    toy.root = other.root
    assert toy.run() == ALL_CACHED
    assert ALL_BUILT.keys() == ALL_CACHED.keys()
