"""Seeded mutations of the store's files: a miss or an `XlmError`, never a traceback or a hang."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fuzzing import fuzz
from tests.store.conftest import Publish
from xlm.engine.building.mapper import SerialMapper
from xlm.errors import StoreError
from xlm.pipeline.run_record import last_run
from xlm.report.measurements import read_measurements
from xlm.store.file_jobs import FileJob, map_files, remove_unfinished
from xlm.store.integrity.verdicts import read_verdicts
from xlm.store.integrity.verification import verify_store
from xlm.store.manifest import MANIFEST_NAME, RUN_NAME, read_manifest
from xlm.store.references import Reference, References
from xlm.store.store import ArtifactStore

KEY = "k" * 24
SECONDS = 1.0
DEEP = b"[" * 100_000


@pytest.mark.slow
def test_manifests(store: ArtifactStore, publish: Publish) -> None:
    path = publish({"train.txt": "habari\n", "deep/er.txt": "dunia\n"}).directory / MANIFEST_NAME
    valid = path.read_bytes()

    def check(data: bytes) -> None:
        path.write_bytes(data)
        store.find("tokenize", KEY)
        verify_store(store, "deep")
        read_manifest(path.parent)

    assert fuzz(check, [valid, DEEP], seconds=SECONDS, words=[b'"path":', b"..", b"/etc"]) > 20


@pytest.mark.parametrize(
    "changed",
    [
        {"files": [{"path": "/etc/hostname", "size_bytes": 1, "sha256": "0" * 64}]},
        {"files": [{"path": "../x", "size_bytes": 1, "sha256": "0" * 64}]},
        {"files": [{"path": "a/../x", "size_bytes": 1, "sha256": "0" * 64}]},
        {"files": [{"path": "a//x", "size_bytes": 1, "sha256": "0" * 64}]},
        {"files": [{"path": "", "size_bytes": 1, "sha256": "0" * 64}]},
        {"files": [{"path": "a\0b", "size_bytes": 1, "sha256": "0" * 64}]},
        {"files": [{"path": "a", "size_bytes": -1, "sha256": "0" * 64}]},
        {"files": [{"path": "a", "size_bytes": 1 << 70, "sha256": "0" * 64}]},
        {"files": [{"path": "a", "size_bytes": 1, "sha256": "0"}]},
        {"files": [{"path": "a", "size_bytes": 1, "sha256": "0" * 64}] * 2},
        {"files": [{"path": p, "size_bytes": 1, "sha256": "0" * 64} for p in ("é", "e\u0301")]},
        {"files": {}},
        {"upstream": []},
        {"counts": None},
        {"config": "x"},
    ],
)
def test_a_manifest_with_an_invalid_field_is_damage(
    store: ArtifactStore, publish: Publish, changed: dict[str, object]
) -> None:
    path = publish({"train.txt": "habari\n"}).directory / MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changed))
    with pytest.raises(StoreError, match=r"manifest\.json"):
        read_manifest(path.parent)
    assert store.find("tokenize", KEY) is None
    publish({"train.txt": "habari\n"})
    assert store.find("tokenize", KEY, "deep") is not None


def test_a_huge_manifest_is_not_read(store: ArtifactStore, publish: Publish) -> None:
    path = publish({"train.txt": "habari\n"}).directory / MANIFEST_NAME
    with path.open("wb") as stream:
        stream.truncate(1 << 40)  # sparse
    assert store.find("tokenize", KEY) is None


@pytest.mark.slow
def test_references(tmp_path: Path) -> None:
    references = References(tmp_path)
    ingredients = {"code_version": 1, "config": {"a": 1}, "tools": {}, "upstream": {"x": "d"}}
    references.record("sample", "tokenize", "sw", Reference(KEY, "d", ingredients))
    path = tmp_path / "references" / "sample" / "tokenize" / "sw.json"
    valid = path.read_bytes()

    def check(data: bytes) -> None:
        path.write_bytes(data)
        found = references.last("sample", "tokenize", "sw")
        assert found is None or isinstance(found.ingredients["config"], dict)

    assert fuzz(check, [valid, DEEP], seconds=SECONDS) > 20


def _copy(job: FileJob) -> Mapping[str, int]:
    job.targets[0].write_text("right")
    return {"letters": 5}


@pytest.mark.slow
def test_completion_records(tmp_path: Path) -> None:
    """A record of valid JSON with other fields once failed the node in every run."""
    target, records = tmp_path / "out" / "a.txt", tmp_path / "scratch" / "records"
    job = FileJob("a", (), (target,))
    map_files(SerialMapper(), records, _copy, [job])
    valid = (records / "a.json").read_bytes()
    job_digest = json.loads(valid)["job"]
    invalid = [
        b"[]", b"1", b"null", b'"x"', b"{}", DEEP, b'{"files": 1}', b'{"files": [1]}',
        json.dumps({"job": job_digest, "files": [], "counts": {"letters": 7}}).encode(),
        json.dumps({"job": job_digest, "files": None, "counts": {}}).encode(),
        json.dumps({"job": job_digest, "files": [], "counts": []}).encode(),
    ]  # fmt: skip

    def check(data: bytes) -> None:
        target.unlink(missing_ok=True)
        (records / "a.json").write_bytes(data)
        remove_unfinished(records, tmp_path / "out")
        counts = map_files(SerialMapper(), records, _copy, [job])
        assert target.read_text() == "right"
        assert counts == [{"letters": 5}]

    assert fuzz(check, [valid, *invalid], seconds=SECONDS) > 20


@pytest.mark.slow
def test_run_records(tmp_path: Path) -> None:
    record = {
        "started": "2026-11-28T00:00:00+00:00",
        "request": {"profile": "sample"},
        "config": {"languages": ["en"]},
        "nodes": [{"stage": "read", "unit": "en", "status": "built", "directory": "artifacts/r/k"}],
    }
    valid = json.dumps(record).encode()
    path = tmp_path / "runs" / "000001-20261128T000000000000.json"
    path.parent.mkdir()

    def check(data: bytes) -> None:
        path.write_bytes(data)
        found = last_run(tmp_path, reaching="read")
        assert ".." not in found["nodes"][0]["directory"]

    hostile = json.dumps(
        record | {"nodes": [{**record["nodes"][0], "directory": "../../etc"}]}  # type: ignore[dict-item,index]
    )
    assert fuzz(check, [valid, DEEP, hostile.encode()], seconds=SECONDS) > 20


@pytest.mark.slow
def test_measured_values_and_side_files(store: ArtifactStore, publish: Publish) -> None:
    measured = {"wall_seconds": 1.0, "cpu_seconds": 1.0, "peak_memory_bytes": 5}
    directory = publish({"a.txt": "x"}, measured=measured).directory
    valid = (directory / RUN_NAME).read_bytes()
    side = [directory.with_name(f"{KEY}.{suffix}") for suffix in ("checks", "current", "damaged")]

    def check(data: bytes) -> None:
        for path in side:
            path.write_bytes(data)
        read_verdicts(store.checks_path("tokenize", KEY))
        store.find("tokenize", KEY)
        (directory / RUN_NAME).write_bytes(data)
        read_measurements(directory)

    assert fuzz(check, [valid, DEEP, b'{"digest": 1}\n[]\n'], seconds=SECONDS) > 20
