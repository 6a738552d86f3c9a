"""Publication, lookup, damage and refresh of artifacts."""

import json
from pathlib import Path

import pytest

from tests.store.conftest import Publish
from xlm.errors import StoreError
from xlm.store.integrity.verdicts import read_verdicts
from xlm.store.manifest import MANIFEST_NAME, read_manifest
from xlm.store.publication import publish_artifact
from xlm.store.store import ArtifactStore

KEY = "k" * 24
FILES = {"train.txt": "habari\n", "deep/er.txt": "dunia\n"}


def _verdicts(store: ArtifactStore) -> list[str]:
    return [line["verdict"] for line in read_verdicts(store.checks_path("tokenize", KEY))]


def test_a_published_artifact_is_found(store: ArtifactStore, publish: Publish) -> None:
    published = publish(FILES)
    found = store.find("tokenize", KEY, "deep")
    assert found is not None
    assert found.manifest == published.manifest
    assert [record.path for record in found.manifest.files] == ["deep/er.txt", "train.txt"]
    assert not (store.root / "staging" / "tokenize" / KEY).exists()


def test_measured_values_and_volatile_files_are_not_in_the_digest(
    store: ArtifactStore, publish: Publish
) -> None:
    one = publish(FILES | {"card.md": "1 s"}, key="a" * 24, volatile=("card.md",))
    measured = {"wall_seconds": 9.0}
    other = publish(
        FILES | {"card.md": "9 s"}, key="b" * 24, measured=measured, volatile=("card.md",)
    )
    assert one.manifest.digest == other.manifest.digest


def test_the_digest_covers_names_and_contents(publish: Publish) -> None:
    digests = {
        publish(files, key=key * 24).manifest.digest
        for key, files in {
            "a": {"x": "1"},
            "b": {"y": "1"},
            "c": {"x": "2"},
        }.items()
    }
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / "train.txt").unlink(), "train.txt is missing"),
        (lambda path: (path / "train.txt").write_text("hab\n"), "train.txt has 4 bytes"),
        (lambda path: (path / MANIFEST_NAME).unlink(), "manifest.json is missing"),
        (lambda path: (path / MANIFEST_NAME).write_text("{"), "cannot be read"),
    ],
)
def test_a_damaged_artifact_is_not_served_and_can_be_rebuilt(
    store: ArtifactStore, publish: Publish, damage: object, message: str
) -> None:
    directory = publish(FILES).directory
    damage(directory)  # type: ignore[operator]
    assert store.find("tokenize", KEY) is None
    assert message in str(store.damage("tokenize", KEY))
    publish(FILES)
    assert store.find("tokenize", KEY, "deep") is not None
    assert not (store.root / "damaged" / "tokenize" / KEY).exists()


def test_the_deep_check_finds_wrong_bytes_of_the_right_size(
    store: ArtifactStore, publish: Publish
) -> None:
    (publish(FILES).directory / "train.txt").write_text("Habari\n")
    assert store.find("tokenize", KEY, "fast") is not None
    assert store.find("tokenize", KEY, "deep") is None


def test_a_manifest_with_an_edited_list_of_files_is_refused(
    store: ArtifactStore, publish: Publish
) -> None:
    path = publish(FILES).directory / MANIFEST_NAME
    manifest = json.loads(path.read_text())
    manifest["files"].pop()
    path.write_text(json.dumps(manifest))
    assert "digest" in str(store.damage("tokenize", KEY))


def test_a_refresh_with_the_same_bytes_keeps_the_old_artifact(
    store: ArtifactStore, publish: Publish
) -> None:
    first = publish(FILES)
    inode = (first.directory / "train.txt").stat().st_ino
    again = publish(FILES)
    assert again.directory == first.directory
    assert (again.directory / "train.txt").stat().st_ino == inode
    assert _verdicts(store) == ["identical"]


def test_a_refresh_with_other_bytes_is_served_and_keeps_the_old_artifact(
    store: ArtifactStore, publish: Publish, caplog: pytest.LogCaptureFixture
) -> None:
    first = publish(FILES)
    second = publish(FILES | {"train.txt": "HABARI\n"})
    assert "not deterministic" in caplog.text
    assert second.directory != first.directory
    assert store.directory("tokenize", KEY) == second.directory
    assert (first.directory / "train.txt").read_text() == "habari\n"
    assert [key for _, key, _ in store.artifacts()] == [KEY]
    assert _verdicts(store) == ["different"]


@pytest.mark.parametrize("pointer", ["", "..", "/", f"{KEY}.gone", "a/b", "\udcff", "x" * 300])
def test_an_invalid_pointer_is_ignored(
    store: ArtifactStore, publish: Publish, pointer: str
) -> None:
    """An empty pointer once named the folder of the whole stage, which was then replaced."""
    other = publish(FILES, key="o" * 24)
    first = publish(FILES)
    publish(FILES | {"train.txt": "HABARI\n"})
    path = first.directory.with_name(f"{KEY}.current")
    path.write_bytes(pointer.encode(errors="surrogateescape"))
    assert store.directory("tokenize", KEY) == first.directory
    assert store.find("tokenize", KEY, "deep") is not None
    publish(FILES)
    assert store.find("tokenize", "o" * 24, "deep") is not None
    assert other.directory.is_dir()


def test_a_rebuild_replaces_a_damaged_variant_of_the_same_digest(
    store: ArtifactStore, publish: Publish
) -> None:
    publish(FILES)
    other = FILES | {"train.txt": "HABARI\n"}
    second = publish(other)
    publish(FILES)
    (second.directory / "train.txt").unlink()
    assert publish(other).directory == second.directory
    assert store.find("tokenize", KEY, "deep") is not None


def test_the_same_bytes_with_other_counts_get_a_new_manifest(
    store: ArtifactStore, publish: Publish
) -> None:
    first = publish(FILES)
    second = publish(FILES, counts={"host_bytes": 7})
    assert second.directory == first.directory
    found = store.find("tokenize", KEY, "deep")
    assert found is not None
    assert found.manifest.counts == {"host_bytes": 7}


def test_a_file_or_a_link_instead_of_an_artifact_is_replaced(
    store: ArtifactStore, publish: Publish, tmp_path: Path
) -> None:
    directory = publish(FILES).directory
    directory.rename(tmp_path / "elsewhere")
    directory.write_text("")
    publish(FILES)
    directory.rename(tmp_path / "moved")
    (tmp_path / "moved" / "train.txt").unlink()
    directory.symlink_to(tmp_path / "moved")
    publish(FILES)
    assert not directory.is_symlink()
    assert store.find("tokenize", KEY, "deep") is not None
    assert (tmp_path / "moved").is_dir()


def test_a_directory_instead_of_a_file_is_damage(store: ArtifactStore, publish: Publish) -> None:
    directory = publish(FILES).directory
    size_bytes = directory.stat().st_size
    publish({"train.txt": "x" * size_bytes}, key="d" * 24)
    path = directory.with_name("d" * 24) / "train.txt"
    path.unlink()
    path.mkdir()
    assert store.damage("tokenize", "d" * 24, "deep") is not None


def test_links_are_not_published(store: ArtifactStore) -> None:
    staging = store.open_staging("tokenize", KEY)
    (staging.out / "link").symlink_to("/etc/hostname")
    with pytest.raises(StoreError, match="symbolic link"):
        publish_artifact(store, staging, {}, {})


def test_a_remote_scheme_is_refused_in_one_line() -> None:
    with pytest.raises(StoreError, match=r"s3.*does not support atomic renames") as caught:
        ArtifactStore.open("s3://bucket/data")
    assert "\n" not in str(caught.value)


def test_a_file_url_is_a_local_root(tmp_path: Path) -> None:
    assert ArtifactStore.open(f"file://{tmp_path}/data").root == tmp_path / "data"


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreError, match="is a file"):
        ArtifactStore.open(str(tmp_path / "data" / "below"))


def test_a_future_format_is_refused(publish: Publish) -> None:
    path = publish(FILES).directory / MANIFEST_NAME
    path.write_text(path.read_text().replace('"format_version": 1', '"format_version": 2'))
    with pytest.raises(StoreError, match="has format 2"):
        read_manifest(path.parent)


def test_an_impossible_root_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="File name too long; choose another directory"):
        ArtifactStore.open(str(tmp_path / ("x" * 300)))


def test_a_read_only_store_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(StoreError, match="is read-only"):
        ArtifactStore.open(str(tmp_path))
    assert ArtifactStore.open(str(tmp_path), write=False).root == tmp_path
