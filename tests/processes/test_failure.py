"""Error reports of training processes."""

from pathlib import Path

import pytest

from xlm.errors import DataError, PeerLostError, TrainingError
from xlm.processes.failure import clear_failure, raise_failure, write_failure


def test_the_first_failure_wins_and_keeps_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = tmp_path / "job.json"
    raise_failure(job)  # there is no report
    write_failure(job, DataError("no shards of sw", fix="build them"))
    write_failure(job, TrainingError("a consequence"))
    monkeypatch.setenv("RANK", "1")
    write_failure(job, PeerLostError("process 0 is gone"))
    with pytest.raises(DataError, match="no shards of sw; build them"):
        raise_failure(job)
    clear_failure(job)
    raise_failure(job)


def test_a_lost_peer_is_reported_only_without_another_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that fails closes its connections before it writes its report."""
    job = tmp_path / "job.json"
    write_failure(job, PeerLostError("process 1 is gone"))
    with pytest.raises(PeerLostError, match="process 1 is gone"):
        raise_failure(job)
    monkeypatch.setenv("RANK", "1")
    write_failure(job, DataError("no shards of sw", fix="build them"))
    with pytest.raises(DataError, match="no shards of sw; build them"):
        raise_failure(job)


def test_an_incomplete_report_is_ignored(tmp_path: Path) -> None:
    report = tmp_path / "job.failure-0.json"
    report.write_text('{"kind": "Tr', encoding="utf-8")
    raise_failure(tmp_path / "job.json")
    assert report.exists()  # it is kept for people to read
