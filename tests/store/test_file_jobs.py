"""Completion records: finished jobs are skipped, others run again."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from xlm.engine.building.mapper import SerialMapper
from xlm.store.file_digest import FileDigest
from xlm.store.file_jobs import FileJob, map_files, recorded_digests, remove_unfinished


def _copy(job: FileJob) -> Mapping[str, int]:
    text = job.sources[0].read_text()
    for target in job.targets:
        target.write_text(text)
    log = Path(str(job.options["log"]))
    with log.open("a") as stream:
        stream.write(job.name)
    return {"letters": len(text)}


def _jobs(tmp_path: Path, **options: object) -> list[FileJob]:
    jobs = []
    for name in "ab":
        source = tmp_path / f"{name}.in"
        source.write_text(name * 3)
        target = tmp_path / "out" / f"{name}.txt"
        jobs.append(FileJob(name, (source,), (target,), {"log": str(tmp_path / "log"), **options}))
    return jobs


def _run(tmp_path: Path, **options: object) -> list[dict[str, int]]:
    return map_files(SerialMapper(), tmp_path / "records", _copy, _jobs(tmp_path, **options))


def test_a_second_run_does_nothing_and_returns_the_same_counts(tmp_path: Path) -> None:
    assert _run(tmp_path) == _run(tmp_path) == [{"letters": 3}, {"letters": 3}]
    assert (tmp_path / "log").read_text() == "ab"


def test_a_target_that_changed_is_written_again(tmp_path: Path) -> None:
    _run(tmp_path)
    (tmp_path / "out" / "b.txt").write_text("xyz")
    _run(tmp_path)
    assert (tmp_path / "log").read_text() == "abb"
    assert (tmp_path / "out" / "b.txt").read_text() == "bbb"


def test_a_job_with_other_options_runs_again(tmp_path: Path) -> None:
    _run(tmp_path)
    _run(tmp_path, more=1)
    assert (tmp_path / "log").read_text() == "abab"


def test_files_without_a_record_are_removed(tmp_path: Path) -> None:
    _run(tmp_path)
    half = tmp_path / "out" / "c.txt"
    half.write_text("half")
    (tmp_path / "records" / "torn.json").write_text("{")
    log = tmp_path / "out" / "logs" / "divergence-0" / "report.json"
    log.parent.mkdir(parents=True)
    log.write_text("why it ended")
    remove_unfinished(tmp_path / "records", tmp_path / "out")
    assert not half.exists()
    assert log.read_text() == "why it ended"
    assert (tmp_path / "out" / "a.txt").exists()
    assert not (tmp_path / "records" / "torn.json").exists()


def test_a_record_holds_digests_until_its_file_changes(tmp_path: Path) -> None:
    _run(tmp_path)
    first, second = recorded_digests(tmp_path / "records")
    assert first.path == str(tmp_path / "out" / "a.txt")
    assert first.sha256 == hashlib.sha256(b"aaa").hexdigest()
    assert first.is_of(Path(first.path).lstat())
    assert first.matches()
    Path(second.path).write_text("xyz")
    assert not second.is_of(Path(second.path).lstat())
    assert not second.matches()


def test_a_replaced_file_is_another_one_even_with_its_times(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("aaa")
    known = FileDigest.of(path)
    status = path.lstat()
    path.with_name("b.txt").write_text("bbb")
    path.with_name("b.txt").replace(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not known.is_of(path.lstat())


def test_a_record_of_an_old_version_is_valid_without_a_status(tmp_path: Path) -> None:
    _run(tmp_path)
    record = tmp_path / "records" / "a.json"
    fields = json.loads(record.read_text())
    del fields["files"][0]["status"]
    record.write_text(json.dumps(fields))
    _run(tmp_path)
    assert (tmp_path / "log").read_text() == "ab"
    (first, _) = recorded_digests(tmp_path / "records")
    assert not first.is_of(Path(first.path).lstat())
