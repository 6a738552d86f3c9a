"""The own text of a language: Wikipedia first, then the sources in order; what is counted."""

import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from tests.stages.own_data import build, sentences, write_lines, write_profile
from xlm.corpus.own_text import extract
from xlm.corpus.own_text.blocks import Block, ReadBlock, read_block
from xlm.errors import DataError
from xlm.store.manifest import Manifest, read_manifest


def _extract(folder: Path, *sources: dict[str, Any]) -> tuple[list[str], Manifest]:
    named = [{"language": "yo", "name": f"s{n}", **one} for n, one in enumerate(sources)]
    profile = write_profile(folder, ["yo"], named)
    built = build(profile, folder / "root", "extract-text")["extract-text[yo]"]
    text = (built / "text.txt").read_bytes().decode()
    return text.removesuffix("\n").split("\n"), read_manifest(built)


def test_all_kinds_are_joined_in_order(tmp_path: Path) -> None:
    lines = sentences("yo", 50)
    write_lines(tmp_path / "a.txt", lines[:10])
    write_lines(tmp_path / "b.tsv", [f"{n}\t{line}" for n, line in enumerate(lines[10:20])])
    write_lines(tmp_path / "c.jsonl", [json.dumps({"text": line}) for line in lines[20:30]])
    rows = datasets.Dataset.from_dict({"text": lines[30:40], "n": list(range(10))})
    rows.to_parquet(tmp_path / "d.parquet")
    rows.to_json(tmp_path / "e.jsonl")
    found, manifest = _extract(
        tmp_path,
        {"kind": "text", "path": str(tmp_path / "a.txt")},
        {"kind": "tsv", "path": str(tmp_path / "b.tsv"), "column": 2},
        {"kind": "jsonl", "path": str(tmp_path / "c.jsonl")},
        {"kind": "parquet", "path": [str(tmp_path / "d.parquet")]},
        {"kind": "jsonl", "path": [str(tmp_path / "e.jsonl")]},
    )
    assert found == lines[:40] + lines[30:40]
    assert manifest.counts["lines"] == 50
    assert manifest.counts["lines.s1"] == 10


def test_blank_lines_bad_bytes_and_malformed_rows_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(
        b"\xef\xbb\xbfone\r\n\r\n \ntwo\rthree\n" + b"x\n" * 200 + b"\xff"
    )
    rows = ['{"text": "a"}'] * 200 + ["no", '{"text": null}']
    write_lines(tmp_path / "b.jsonl", rows)
    found, manifest = _extract(
        tmp_path,
        {"kind": "text", "path": str(tmp_path / "a.txt")},
        {"kind": "jsonl", "path": str(tmp_path / "b.jsonl")},
    )
    assert found[:2] == ["one", "two\rthree"]
    counts = manifest.counts
    assert (counts["blank_lines"], counts["lines_not_utf8"], counts["malformed_rows"]) == (3, 1, 1)


@pytest.mark.parametrize("pattern", ["**/*.txt", "p?rt/[ab].txt", "*/*"])
def test_patterns_in_the_order_of_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    write_lines(tmp_path / "part" / "b.txt", ["second"])
    write_lines(tmp_path / "part" / "a.txt", ["first"])
    write_lines(tmp_path / "part" / ".hidden.txt", ["hidden"])
    (tmp_path / "part" / "folder.txt").mkdir()
    monkeypatch.chdir(tmp_path)
    found, _ = _extract(tmp_path, {"kind": "text", "path": pattern})
    assert found == ["first", "second"]


def test_a_name_with_brackets_is_a_file(tmp_path: Path) -> None:
    write_lines(tmp_path / "a[1].txt", ["text"])
    found, _ = _extract(tmp_path, {"kind": "text", "path": str(tmp_path / "a[1].txt")})
    assert found == ["text"]


@pytest.mark.slow
def test_a_large_text_is_read_by_the_workers(tmp_path: Path) -> None:
    lines = [f"{number} {line}" for number in range(400) for line in sentences("yo", 60)]
    write_lines(tmp_path / "a.txt", lines)
    write_lines(tmp_path / "b.jsonl", [json.dumps({"text": line}) for line in lines])
    assert (tmp_path / "a.txt").stat().st_size > 1 << 20
    found, manifest = _extract(
        tmp_path,
        {"kind": "text", "path": str(tmp_path / "a.txt")},
        {"kind": "jsonl", "path": str(tmp_path / "b.jsonl")},
    )
    assert found == [*lines, *lines]
    assert manifest.counts["files"] == 2


def test_another_file_than_the_driver_sees_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine with another file at the same path."""
    for name in "ab":
        write_lines(tmp_path / f"{name}.txt", sentences("yo", 20))

    def read(block: Block, target: Path) -> ReadBlock:
        write_lines(tmp_path / "b.txt", sentences("yo", 21))
        return read_block(block, target)

    monkeypatch.setattr(extract, "read_block", read)
    with pytest.raises(DataError, match=r"b\.txt on .* is not the file that the run began with; "):
        _extract(tmp_path, *({"kind": "text", "path": str(tmp_path / f"{n}.txt")} for n in "ab"))
