"""References are separate for each profile, also for profile files of the same name."""

from pathlib import Path

from xlm.store.references import Reference, References

ONE = Reference("k" * 24, "d1", {"code_version": 1, "config": {}, "tools": {}, "upstream": {}})
OTHER = ONE._replace(digest="d2")


def test_two_profile_files_of_the_same_name_are_separate(tmp_path: Path) -> None:
    references = References(tmp_path)
    here, there = (str(tmp_path / folder / "mine.yaml") for folder in ("here", "there"))
    references.record(here, "tokenize", "sw", ONE)
    references.record(there, "tokenize", "sw", OTHER)
    assert references.last(here, "tokenize", "sw") == ONE
    assert references.last(there, "tokenize", "sw") == OTHER
    assert references.last("mine", "tokenize", "sw") is None


def test_a_built_in_profile_is_stored_by_name(tmp_path: Path) -> None:
    references = References(tmp_path)
    references.record("sample", "tokenize", "sw", ONE)
    assert (tmp_path / "references" / "sample" / "tokenize" / "sw.json").is_file()
