"""Pairs of the user: every kind of file, from disk and from a server, in any two languages."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import datasets
import pytest
import zstandard

from tests.stages.own_data import build, sentences, write_lines, write_profile
from xlm.errors import DataError
from xlm.store.manifest import read_manifest

SWAHILI, YORUBA = sentences("sw", 40), sentences("yo", 40)
PAIRS = list(zip(SWAHILI, YORUBA, strict=True))


def _write_all(folder: Path) -> None:
    """The same pairs in all formats."""
    write_lines(folder / "a.sw", SWAHILI)
    (folder / "a.yo.gz").write_bytes(gzip.compress("\n".join(YORUBA).encode()))
    write_lines(folder / "a.tsv", [f"{n}\t{b}\t{a}" for n, (a, b) in enumerate(PAIRS)])
    (folder / "named.tsv.zst").write_bytes(
        zstandard.compress(
            ("swahili\tyoruba\r\n" + "".join(f"{a}\t{b}\r\n" for a, b in PAIRS)).encode()
        )
    )
    rows = [{"src": a, "tgt": b} for a, b in PAIRS]
    write_lines(folder / "a.jsonl", [json.dumps(row, ensure_ascii=False) for row in rows])
    nested = datasets.Dataset.from_list(
        [{"id": str(n), "translation": {"sw": a, "yo": b}} for n, (a, b) in enumerate(PAIRS)],
        features=datasets.Features(
            {
                "id": datasets.Value("string"),
                "translation": datasets.Translation(languages=["sw", "yo"]),
            }
        ),
    )
    nested.to_parquet(folder / "a.parquet")
    nested.to_json(folder / "nested.jsonl")
    with zipfile.ZipFile(folder / "sw-yo.txt.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README", "about")
        archive.writestr("X.sw-yo.swh", "".join(f"{a}\n" for a in SWAHILI))
        archive.writestr("X.sw-yo.yo", "".join(f"{b}\n" for b in YORUBA))


KINDS: dict[str, dict[str, Any]] = {
    "text": {"kind": "text", "paths": {"sw": "a.sw", "yo": "a.yo.gz"}},
    "tsv": {"kind": "tsv", "path": "a.tsv", "columns": [3, 2]},
    "tsv with a header": {
        "kind": "tsv", "path": "named.tsv.zst", "columns": ["swahili", "yoruba"],
    },
    "jsonl": {"kind": "jsonl", "path": "a.jsonl", "columns": {"sw": "src", "yo": "tgt"}},
    "nested jsonl": {"kind": "jsonl", "path": "nested.jsonl"},
    "parquet": {"kind": "parquet", "path": "a.parquet"},
    "fields": {
        "kind": "parquet", "path": "a.parquet",
        "columns": {"sw": "translation.sw", "yo": "translation.yo"},
    },
    "moses_zip": {"kind": "moses_zip", "path": "sw-yo.txt.zip"},
}  # fmt: skip


def _lines(folder: Path, code: str) -> list[str]:
    return (folder / f"text.{code}.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_local_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    _write_all(tmp_path)
    monkeypatch.chdir(tmp_path)
    profile = write_profile(tmp_path, ["sw", "yo"], [], [{"pair": "sw-yo", **KINDS[kind]}])
    built = build(profile, tmp_path / "root", "extract-parallel")["extract-parallel[sw-yo]"]
    assert _lines(built, "sw") == SWAHILI
    assert _lines(built, "yo") == YORUBA
    assert read_manifest(built).counts["pairs.own"] == 40


@pytest.mark.parametrize("kind", ["text", "tsv with a header", "nested jsonl", "parquet"])
def test_the_same_files_at_a_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    host = tmp_path / "mirror" / "texts.example.org" / "v1"
    host.mkdir(parents=True)
    _write_all(host)
    monkeypatch.chdir(tmp_path)
    url = "https://texts.example.org/v1/"
    source = dict(KINDS[kind])
    if "path" in source:
        source["path"] = url + source["path"]
    else:
        source["paths"] = {code: url + path for code, path in source["paths"].items()}
    profile = write_profile(tmp_path, ["sw", "yo"], [], [{"pair": "sw-yo", **source}])
    text = profile.read_text().replace("sources:\n", "sources:\n  mirror: mirror\n")
    profile.write_text(text)
    built = build(profile, tmp_path / "root", "extract-parallel")
    downloads = sorted(name for name in built if name.startswith("download"))
    assert downloads == (
        ["download[own.sw-yo.sw]", "download[own.sw-yo.yo]"]
        if kind == "text"
        else ["download[own.sw-yo]"]
    )
    assert _lines(built["extract-parallel[sw-yo]"], "yo") == YORUBA


def test_sources_are_joined_in_order_with_a_limit_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_all(tmp_path)
    monkeypatch.chdir(tmp_path)
    sources = [
        {"pair": "sw-yo", "name": "one", **KINDS["tsv"]},
        {"pair": "sw-yo", "name": "two", **KINDS["parquet"]},
    ]
    profile = write_profile(tmp_path, ["sw", "yo"], [], sources)
    text = profile.read_text().replace("sources:\n", "sources:\n  max_pairs: 5\n")
    profile.write_text(text)
    built = build(profile, tmp_path / "root", "extract-parallel")["extract-parallel[sw-yo]"]
    assert _lines(built, "sw") == SWAHILI[:5] * 2
    counts = read_manifest(built).counts
    assert (counts["pairs.one"], counts["pairs.two"], counts["over_max_pairs"]) == (5, 5, 70)


def test_values_with_line_breaks_and_empty_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"sw": "one\ntwo", "yo": "three\r\nfour"},
        {"sw": None, "yo": "five"},
        {"sw": "six", "yo": " "},
    ]
    write_lines(tmp_path / "a.jsonl", [json.dumps(row) for row in rows])
    source = {"pair": "sw-yo", "kind": "jsonl", "path": str(tmp_path / "a.jsonl")}
    profile = write_profile(tmp_path, ["sw", "yo"], [], [source])
    built = build(profile, tmp_path / "root", "extract-parallel")["extract-parallel[sw-yo]"]
    assert (_lines(built, "sw"), _lines(built, "yo")) == (["one two"], ["three four"])
    assert read_manifest(built).counts["empty_side"] == 2


def test_files_that_are_not_aligned_are_refused(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.sw", SWAHILI)
    write_lines(tmp_path / "a.yo", YORUBA[1:])
    paths = {code: str(tmp_path / f"a.{code}") for code in ("sw", "yo")}
    source = {"pair": "sw-yo", "kind": "text", "paths": paths}
    profile = write_profile(tmp_path, ["sw", "yo"], [], [source])
    with pytest.raises(DataError, match=r"a.sw has 40 lines, a.yo has 39; the corpus is damaged"):
        build(profile, tmp_path / "root", "extract-parallel")
