"""Followers of growing files: complete records, each once."""

from pathlib import Path

from xlm.processes.follow import JsonFollower


def test_only_new_and_complete_records_are_returned(tmp_path: Path) -> None:
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


def test_a_truncated_file_is_followed_from_its_new_end(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(f'{{"step": {step}}}\n' for step in range(10)))
    follower = JsonFollower(path)
    path.write_text('{"step": 0}\n')
    assert list(follower.new_records()) == []
    with path.open("a") as file:
        file.write('{"step": 1}\n')
    assert list(follower.new_records()) == [{"step": 1}]
