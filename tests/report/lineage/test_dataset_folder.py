"""The lineage of a folder of shards, which has files of several artifacts."""

import json
import shutil
from pathlib import Path

import pytest

from tests.release.dataset.invented import dataset_facts
from tests.report.lineage.small_store import add
from xlm.errors import StoreError
from xlm.release.dataset.croissant import ShardFile
from xlm.release.dataset.folder import StoredShard, write_dataset
from xlm.report.lineage.mermaid import mermaid_text
from xlm.report.lineage.read import read_lineage
from xlm.report.lineage.tree import tree_text
from xlm.store.artifact import Artifact
from xlm.store.store import ArtifactStore

Made = dict[str, Artifact]


@pytest.fixture
def shards(root: Path, made: Made) -> Made:
    """Shards of two languages with their vocabulary and merges, which a model contains, too."""
    store = ArtifactStore.open(str(root))
    found = {"learn-bpe": add(store, "learn-bpe", files={"codes": "a b"})}
    found["vocabulary"] = add(
        store, "vocabulary", files={"vocabulary.json": "[]"}, inputs={"codes": found["learn-bpe"]}
    )
    for code in ("en", "sw"):
        found[f"shard[{code}]"] = add(
            store, "shard", code,
            files={"train.00000.parquet": f"shard of {code}", "valid.00000.parquet": "empty"},
            inputs={
                "text": made[f"tokenize[{code}]"],
                "vocabulary": found["vocabulary"],
                "codes": found["learn-bpe"],
            },
        )  # fmt: skip
    add(
        store, "publish", "other",
        files={"codes": "a b", "vocabulary.json": "[]", "model": "m"},
        inputs={"pretrain": made["pretrain"]},
    )  # fmt: skip
    return found


@pytest.fixture
def folder(tmp_path: Path, shards: Made) -> Path:
    files = [
        StoredShard(
            artifact.directory / record.path,
            ShardFile(
                unit=artifact.manifest.unit, split=record.path.partition(".")[0], kind="mono",
                path=f"{artifact.manifest.unit}/{record.path}", size_bytes=record.size_bytes,
                sha256=record.sha256,
            ),
        )
        for name, artifact in shards.items()
        if name.startswith("shard")
        for record in artifact.manifest.files
    ]  # fmt: skip
    others = [
        shards["vocabulary"].directory / "vocabulary.json", shards["learn-bpe"].directory / "codes",
    ]  # fmt: skip
    out = tmp_path / "out"
    write_dataset(out, dataset_facts(), files, others=others, published="2026-11-28")
    return out


def test_all_artifacts_of_the_folder_are_traced(
    folder: Path, shards: Made, made: Made, root: Path
) -> None:
    lineage = read_lineage(folder, str(root))
    assert {(one.path, str(one.artifact)) for one in lineage.subject.parts} == {
        ("", "learn-bpe"), ("", "vocabulary"), ("en", "shard[en]"), ("sw", "shard[sw]"),
    }  # fmt: skip
    assert lineage.faults == ()
    names = [str(one.id) for one in lineage.artifacts]
    texts = [one for one in made if one.startswith(("tokenize", "download[wikipedia"))]
    assert sorted(names) == sorted([*shards, *texts])
    assert {one.unit for one in lineage.sources} == {"wikipedia.en", "wikipedia.sw"}


def test_every_format_shows_all_of_them(folder: Path, shards: Made, root: Path) -> None:
    lineage = read_lineage(folder, str(root))
    text = tree_text(lineage)
    assert text.startswith(f"{folder} has files of 4 artifacts\n")
    assert f"  sw is equal to shard[sw] {shards['shard[sw]'].manifest.key}\n" in text
    tree = text.split("\n\n")[1].splitlines()
    tops = [line.split()[0] for line in tree if line[0] not in " ├└│"]
    assert sorted(tops) == ["artifact", "shard[en]", "shard[sw]"]
    for name in shards:
        assert sum(line.lstrip("├└│─ ").startswith(f"{name} ") for line in tree) == 1, name
    chart = mermaid_text(lineage)
    for stage in ("shard", "vocabulary", "learn-bpe"):
        (box,) = [
            line.strip().partition("[")[0]
            for line in chart.splitlines()
            if f'["{stage}<br/>' in line
        ]
        assert f"    {box} --> subject" in chart


def test_what_is_not_of_the_artifacts_is_named(folder: Path, root: Path) -> None:
    (folder / "sw" / "train.00000.parquet").write_text("shard of sx")
    (fault,) = read_lineage(folder, str(root)).faults
    assert fault == f"{folder}: sw/train.00000.parquet is not of these artifacts"


def test_a_stage_of_a_store_is_still_refused(folder: Path, root: Path) -> None:
    with pytest.raises(StoreError, match="no artifact in"):
        read_lineage(root / "artifacts" / "shard", str(root))


def test_a_moved_part_is_recognized_alone(folder: Path, root: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(folder / "sw", tmp_path / "moved"))
    subject = json.loads(read_lineage(moved, str(root)).model_dump_json())["subject"]
    assert subject["artifact"]["unit"] == "sw"
    assert subject["parts"] == []
