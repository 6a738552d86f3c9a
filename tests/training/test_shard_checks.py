"""The processes of a job hash the shards together and find the same damage."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from tests.training.runs import ALONE, make_trainer
from xlm.errors import DataError
from xlm.store.manifest import MANIFEST_NAME, Manifest, content_digest, describe_files
from xlm.training.launch.job import PretrainJob
from xlm.training.shard_checks import hash_shards

MakeJob = Callable[..., PretrainJob]

_RANK = """\
import json, pathlib, sys
import torch
from xlm.errors import XlmError
from xlm.training.launch.distributed import join_process_group
from xlm.training.shard_checks import hash_shards

def read_bytes():
    fields = pathlib.Path("/proc/self/io").read_text().split()
    return int(fields[fields.index("rchar:") + 1])

with join_process_group("cpu") as group:
    hash_shards([], group)
    before, error, digests = read_bytes(), "", {}
    try:
        digests = hash_shards(map(pathlib.Path, sys.argv[1:]), group)
    except XlmError as caught:
        error = str(caught)
    found = {str(path): digest for path, digest in digests.items()}
    print(json.dumps({"read": read_bytes() - before, "error": error, "digests": found}))
"""


def _write_manifest(directory: Path) -> None:
    files, _ = describe_files(directory, ())
    manifest = Manifest(
        stage="shard", unit="sw", key="k" * 24, digest=content_digest(files), code_version=1,
        config={}, upstream={}, tools={}, files=files, volatile=[], counts={}, sources=[],
        resolved_config={},
    )  # fmt: skip
    (directory / MANIFEST_NAME).write_text(manifest.model_dump_json())


def _shards(directory: Path, count: int = 6) -> list[Path]:
    directory.mkdir()
    paths = [directory / f"train.{number:05d}.parquet" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 400_000)
    _write_manifest(directory)
    return paths


def _flip(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"\xff")


def _run_ranks(tmp_path: Path, directories: list[Path], world: int = 2) -> list[dict[str, object]]:
    variables = {"WORLD_SIZE": str(world), "XLM_MEETING_FILE": str(tmp_path / "meeting"),
                 "PYTHONPATH": str(REPOSITORY), "GLOO_SOCKET_IFNAME": "lo"}  # fmt: skip
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _RANK, *map(str, directories)],
            env={**os.environ, **variables, "RANK": str(rank)},
            stdout=subprocess.PIPE,
        )
        for rank in range(world)
    ]
    found = [json.loads(process.communicate(timeout=300)[0]) for process in started]
    assert [process.returncode for process in started] == [0] * world
    return found


@pytest.mark.slow
def test_each_shard_is_read_by_one_process_and_known_to_all(tmp_path: Path) -> None:
    paths = [*_shards(tmp_path / "sw"), *_shards(tmp_path / "en")]
    one, other = _run_ranks(tmp_path, [tmp_path / "sw", tmp_path / "en"])
    expected = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert one["digests"] == other["digests"] == expected
    size_bytes = sum(path.stat().st_size for path in paths)
    for rank in (one, other):
        assert isinstance(rank["read"], int)
        assert size_bytes // 2 <= rank["read"] < 0.6 * size_bytes


@pytest.mark.slow
@pytest.mark.parametrize("damaged", range(4))
def test_a_flipped_byte_in_any_shard_is_one_error_in_all_processes(
    tmp_path: Path, damaged: int
) -> None:
    path = _shards(tmp_path / "sw", count=4)[damaged]
    _flip(path)
    one, other = _run_ranks(tmp_path, [tmp_path / "sw"])
    assert one["error"] == other["error"]
    assert str(one["error"]).startswith(f"{path} does not match its sha256 in the manifest")


def test_a_shard_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = _shards(tmp_path / "sw")[3]
    path.unlink()
    with pytest.raises(DataError, match=r"train\.00003\.parquet cannot be read"):
        hash_shards([tmp_path / "sw"], ALONE)


def test_a_folder_without_a_manifest_is_hashed_as_it_is(tmp_path: Path) -> None:
    paths = _shards(tmp_path / "sw")
    (tmp_path / "sw" / MANIFEST_NAME).unlink()
    _flip(paths[0])
    found = hash_shards([tmp_path / "sw"], ALONE)
    assert found[paths[0]] == hashlib.sha256(paths[0].read_bytes()).hexdigest()


def test_training_does_not_start_with_a_damaged_shard(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job()
    copy = tmp_path / "sw"
    copy.mkdir()
    for path in job.mono["sw"].glob("*.parquet"):
        (copy / path.name).write_bytes(path.read_bytes())
    _write_manifest(copy)
    job = job.model_copy(update={"mono": {**job.mono, "sw": copy}})
    make_trainer(job)
    _flip(copy / "valid.00000.parquet")
    with pytest.raises(DataError, match=r"valid\.00000\.parquet does not match"):
        make_trainer(job)
