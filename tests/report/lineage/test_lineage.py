"""The lineage of files in a store, of copies, and of stores where something is missing."""

import json
import shutil
from pathlib import Path

import pytest

from tests.report.lineage.small_store import BUILT, MODEL, add
from xlm.errors import StoreError, UnreachableRemoteError
from xlm.report.lineage.document import Lineage
from xlm.report.lineage.read import read_lineage
from xlm.report.lineage.tree import tree_text
from xlm.store.artifact import Artifact
from xlm.store.integrity.pruned import mark_pruned
from xlm.store.manifest import MANIFEST_NAME, Manifest, read_manifest
from xlm.store.store import ArtifactStore

Made = dict[str, Artifact]


def states(lineage: Lineage) -> dict[str, str]:
    """State of each artifact."""
    return {str(one.id): one.state for one in lineage.artifacts}


def edit_manifest(artifact: Artifact, **changes: object) -> None:
    """Overwrite fields of a manifest."""
    path = artifact.directory / MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")


def test_every_artifact_and_source_is_found(made: Made, root: Path) -> None:
    lineage = read_lineage(made["publish"].directory / MODEL, str(root))
    assert states(lineage) == dict.fromkeys(made, "stored")
    assert lineage.faults == ()
    assert lineage.subject.path_in_artifact == MODEL
    assert not lineage.subject.is_copy
    (top, *_) = lineage.artifacts
    assert (top.id.key, top.id.digest) == (
        made["publish"].manifest.key,
        made["publish"].manifest.digest,
    )
    assert (top.built, top.code_version, top.pipeline_version) == (BUILT, 3, "0.1.0")
    downloads = {one.url: one for one in lineage.sources if one.kind == "download"}
    assert set(downloads) == {
        "https://dumps.wikimedia.org/enwiki.xml.bz2",
        "https://dumps.wikimedia.org/swwiki.xml.bz2",
        "https://example.org/own.txt",
    }
    english = downloads["https://dumps.wikimedia.org/enwiki.xml.bz2"]
    recorded = made["download[wikipedia.en]"].manifest.sources[0]
    assert (english.sha256, english.size_bytes, english.licence) == (
        recorded["sha256"], 1234, "CC-BY-SA-4.0",
    )  # fmt: skip
    assert downloads["https://example.org/own.txt"].sha256 is None
    (model,) = [one for one in lineage.sources if one.kind == "model"]
    assert (model.sha256, str(model.read_by)) == ("5" * 64, "pretrain")


def test_the_text_prints_each_artifact_once(made: Made, root: Path) -> None:
    text = tree_text(read_lineage(made["publish"].directory / MODEL, str(root)))
    for name, artifact in made.items():
        assert text.count(f"{name} ") == 1 + (name == "publish"), name
        assert artifact.manifest.digest[:12] in text
    tree, sources = text.split("\n\n")[1:3]
    # Below its deepest user, although `publish` reads its manifest, too.
    assert "      └─ download[wikipedia.en]" in tree.replace("│", " ").replace("├", "└")
    assert sources.count("https://") == 3
    assert "not recorded" in sources
    assert "1 of them without a recorded sha256" in text
    assert "2026-11-28 17:49:06  3 (0.1.0)" in tree


@pytest.mark.parametrize("name", ["model.safetensors", "renamed.bin"])
def test_a_copied_file_is_recognized(made: Made, root: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copy(made["publish"].directory / MODEL, tmp_path / name)
    lineage = read_lineage(Path(copy), str(root))
    assert lineage.subject.is_copy
    assert str(lineage.subject.artifact) == "publish"
    assert lineage.subject.path_in_artifact == MODEL
    assert len(lineage.artifacts) == len(made)


def test_a_copied_folder_is_recognized_and_strange_files_are_named(
    made: Made, root: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "release"
    shutil.copytree(made["publish"].directory / "classifier", copy)
    (copy / ".gitattributes").write_text("of the Hub")
    lineage = read_lineage(copy, str(root))
    assert (lineage.subject.path_in_artifact, lineage.faults) == ("classifier", ())
    (copy / "config.json").write_text('{"edited": true}')
    (fault,) = read_lineage(copy, str(root)).faults
    assert fault == f"{copy}: config.json is not of publish[all]"


def test_links_of_a_hub_cache_are_followed(made: Made, root: Path, tmp_path: Path) -> None:
    blob = shutil.copy(made["publish"].directory / MODEL, tmp_path / "blob")
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    (snapshot / "model.safetensors").symlink_to(blob)
    for path in (snapshot, snapshot / "model.safetensors"):
        assert str(read_lineage(path, str(root)).subject.artifact) == "publish"


def test_what_no_artifact_contains_is_refused(made: Made, root: Path, tmp_path: Path) -> None:
    strange = tmp_path / "strange"
    strange.write_text("classifieR")  # the size of an artifact's file
    for path in (strange, tmp_path / "absent", root / "artifacts" / "publish"):
        with pytest.raises(StoreError):
            read_lineage(path, str(root))
    with pytest.raises(StoreError, match=r"no artifact in .* contains .*strange"):
        read_lineage(strange, str(root))


def test_an_unlisted_file_of_an_artifact_is_refused(made: Made, root: Path) -> None:
    (made["publish"].directory / "notes").write_text("mine")
    with pytest.raises(StoreError, match="does not list notes"):
        read_lineage(made["publish"].directory / "notes", str(root))


def test_a_pruned_artifact_still_has_its_lineage(made: Made, root: Path) -> None:
    pruned = made["download[wikipedia.en]"]
    mark_pruned(pruned.directory, 12)
    (pruned.directory / "dump").unlink()
    lineage = read_lineage(made["publish"].directory, str(root))
    assert states(lineage)["download[wikipedia.en]"] == "pruned"
    assert (len(lineage.sources), lineage.faults) == (4, ())
    assert "pruned" in tree_text(lineage)
    assert read_lineage(pruned.directory / "dump", str(root)).subject.sha256 is None


def test_a_changed_file_is_named(made: Made, root: Path) -> None:
    model = made["publish"].directory / MODEL
    model.write_text("classifieR")
    lineage = read_lineage(model, str(root))
    assert lineage.faults == (
        f"publish[all] is damaged: {MODEL} has other bytes than its manifest says",
    )
    assert len(lineage.artifacts) == len(made)


@pytest.mark.parametrize("damage", ["unreadable", "edited", "removed"])
def test_a_damaged_manifest_is_one_line_and_the_rest_is_printed(
    made: Made, root: Path, damage: str
) -> None:
    tokenized = made["tokenize[sw]"]
    if damage == "unreadable":
        (tokenized.directory / MANIFEST_NAME).write_text("{")
    elif damage == "edited":
        edit_manifest(tokenized, config={"invented": 1})
    else:
        shutil.rmtree(tokenized.directory)
    lineage = read_lineage(made["publish"].directory, str(root))
    assert len(lineage.faults) == 1
    assert lineage.faults[0].startswith("tokenize[sw]")
    expected = "missing" if damage == "removed" else "damaged"
    assert states(lineage)["tokenize[sw]"] == expected
    # What only a manifest that cannot be read says is unknown.
    is_known = damage == "edited"
    assert ("download[wikipedia.sw]" in states(lineage)) == is_known
    assert states(lineage)["download[wikipedia.en]"] == "stored"
    assert expected in tree_text(lineage)


def test_a_manifest_that_names_its_own_user_does_not_loop(made: Made, root: Path) -> None:
    top = made["publish"].manifest
    record = {name: getattr(top, name) for name in ("stage", "unit", "key", "digest")}
    edit_manifest(made["download[own.en]"], upstream={"text": record})
    lineage = read_lineage(made["publish"].directory, str(root))
    assert [fault.partition(":")[0] for fault in lineage.faults] == ["download[own.en]"]
    assert tree_text(lineage).count("publish ") == 2


def test_other_bytes_of_a_key_are_named(made: Made, root: Path) -> None:
    store = ArtifactStore.open(str(root))
    made["tokenize[en]"].directory.rename(root / "aside")
    add(
        store, "tokenize", "en", files={"text.txt": "not the same"},
        inputs={"text": made["download[wikipedia.en]"]},
    )  # fmt: skip
    lineage = read_lineage(made["publish"].directory, str(root))
    assert states(lineage)["tokenize[en]"] == "other-bytes"
    assert len(lineage.faults) == 1
    assert "of this key" in lineage.faults[0]


def test_a_remote_store_knows_what_this_one_lacks(made: Made, root: Path) -> None:
    lacking = made["tokenize[sw]"]
    manifests = {lacking.manifest.key: lacking.manifest}
    shutil.rmtree(lacking.directory)

    def find(stage: str, key: str) -> Manifest | None:
        return manifests.get(key)

    lineage = read_lineage(made["publish"].directory, str(root), find)
    assert states(lineage) == dict.fromkeys(made, "stored") | {"tokenize[sw]": "remote"}
    assert lineage.faults == ()

    def fail(stage: str, key: str) -> Manifest | None:
        raise UnreachableRemoteError("the remote store does not answer")

    lineage = read_lineage(made["publish"].directory, str(root), fail)
    assert len(lineage.faults) == 2
    assert states(lineage)["tokenize[sw]"] == "missing"


def test_secrets_in_recorded_urls_are_removed(root: Path) -> None:
    made = add(
        ArtifactStore.open(str(root)), "download", "own.en", files={"own.txt": "t"},
        sources=[{"name": "own", "address": "https://me:hunter2@example.org/x?token=abc"}],
    )  # fmt: skip
    text = read_lineage(made.directory, str(root)).model_dump_json()
    assert "hunter2" not in text
    assert "token=abc" not in text
    assert read_manifest(made.directory).sources[0]["address"].count("hunter2") == 1
