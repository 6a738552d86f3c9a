"""Which files are published, and that they are those of the manifest."""

from pathlib import Path

import pytest

from tests.release.artifacts import write_manifest
from tests.release.targets.models import CLASSIFIER, MASKED_LM, write_artifact, write_folder
from xlm.errors import ConfigError, StoreError, XlmError
from xlm.release.targets.publication import Publication, read_publication
from xlm.store.manifest import read_manifest


def test_an_artifact_has_both_models_with_the_digests_of_its_manifest(artifact: Path) -> None:
    (artifact / "classifier" / "added-by-hand.txt").write_text("not in the manifest")
    publication = read_publication(artifact)
    assert [folder.name for folder in publication.folders] == ["classifier", "masked-lm"]
    assert {file.name for file in publication.folders[0].files} == set(CLASSIFIER)
    manifest = read_manifest(artifact)
    assert publication.digest == manifest.digest
    digests = {record.path: record.sha256 for record in manifest.files}
    assert digests["masked-lm/vocab.json"] in {one.sha256 for one in publication.folders[1].files}


def test_one_model_of_an_artifact_can_be_named_by_its_folder(artifact: Path) -> None:
    named = read_publication(artifact / "masked-lm")
    assert named == read_publication(artifact).only("masked-lm")
    assert named.has_classifier


def test_revisions_are_read_only_if_asked_for(with_revisions: Publication, tmp_path: Path) -> None:
    names = ["revisions/step-500", "revisions/step-1000"]
    assert [one.name for one in with_revisions.revisions] == names
    assert [one.name for one in with_revisions.folders] == ["classifier", "masked-lm"]
    assert with_revisions.only("masked-lm").revisions == with_revisions.revisions
    assert with_revisions.only("classifier").revisions == ()
    artifact = tmp_path / "revised"
    plain = read_publication(artifact)
    assert plain.revisions == ()
    assert (plain.folders, plain.digest) == (with_revisions.folders, with_revisions.digest)
    (artifact / "revisions" / "step-500" / "model.safetensors").write_bytes(b"damaged")
    assert read_publication(artifact) == plain
    with pytest.raises(StoreError, match=r"step-500/model\.safetensors does not match its sha256"):
        read_publication(artifact, revisions=True)


def test_folders_without_a_manifest_have_revisions_too(tmp_path: Path) -> None:
    artifact = write_artifact(tmp_path / "copied", revisions=(500,))
    (artifact / "manifest.json").unlink()
    (artifact / "revisions" / "step-x").mkdir()
    (artifact / "revisions" / "step-9").mkdir()
    found = read_publication(artifact, revisions=True)
    assert [one.name for one in found.revisions] == ["revisions/step-500"]
    assert read_publication(artifact).revisions == ()


def test_a_folder_without_a_manifest_is_a_model_too(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "converted", MASKED_LM)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x").write_text("hidden")
    publication = read_publication(folder)
    assert [one.name for one in publication.folders] == ["masked-lm"]
    assert {file.name for file in publication.folders[0].files} == set(MASKED_LM)
    assert not publication.has_classifier


@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_a_damaged_artifact_is_not_published(artifact: Path, damage: str) -> None:
    weights = artifact / "classifier" / "model.safetensors"
    if damage == "changed":
        weights.write_bytes(bytes(weights.stat().st_size))
    else:
        weights.unlink()
    with pytest.raises(StoreError, match=r"model\.safetensors does not match its sha256"):
        read_publication(artifact)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="not a published model"):
        read_publication(tmp_path / "empty")
    other = tmp_path / "pretrain"
    other.mkdir()
    write_manifest(other, "pretrain")
    with pytest.raises(ConfigError, match="an artifact of stage pretrain"):
        read_publication(other)


def test_a_model_that_a_run_lacks_is_named(tmp_path: Path) -> None:
    publication = read_publication(write_artifact(tmp_path / "artifact", classifier=None))
    with pytest.raises(XlmError, match="no classifier; it has masked-lm"):
        publication.only("classifier")
