"""What a training process notes for its starter, and how the environment is set."""

from pathlib import Path

import pytest

from xlm.errors import DataError, PeerLostError, TrainingError
from xlm.processes.follow import JsonFollower
from xlm.training.launch.failure import clear_failure, raise_failure, write_failure


def test_the_first_failure_wins_and_keeps_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = tmp_path / "job.json"
    raise_failure(job)  # nothing was noted
    write_failure(job, DataError("no shards of sw", fix="build them"))
    write_failure(job, TrainingError("a consequence"))
    monkeypatch.setenv("RANK", "1")
    write_failure(job, PeerLostError("process 0 is gone"))
    with pytest.raises(DataError, match="no shards of sw; build them"):
        raise_failure(job)
    clear_failure(job)
    raise_failure(job)


def test_who_lost_another_process_is_heard_only_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that fails closes its connections before it can note why."""
    job = tmp_path / "job.json"
    write_failure(job, PeerLostError("process 1 is gone"))
    with pytest.raises(PeerLostError, match="process 1 is gone"):
        raise_failure(job)
    monkeypatch.setenv("RANK", "1")
    write_failure(job, DataError("no shards of sw", fix="build them"))
    with pytest.raises(DataError, match="no shards of sw; build them"):
        raise_failure(job)


def test_half_a_note_is_no_note(tmp_path: Path) -> None:
    note = tmp_path / "job.failure-0.json"
    note.write_text('{"kind": "Tr', encoding="utf-8")
    raise_failure(tmp_path / "job.json")
    assert note.exists()  # passed over, and left for people to see


def test_only_whole_new_records_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "speed.jsonl"
    early = JsonFollower(path)
    assert list(early.new_records()) == []
    path.write_text('{"step": 1}\n{"st', encoding="utf-8")
    late = JsonFollower(path)
    assert list(early.new_records()) == [{"step": 1}]
    with path.open("a") as file:
        file.write('ep": 2}\n')
    assert list(early.new_records()) == [{"step": 2}]
    assert list(late.new_records()) == []
