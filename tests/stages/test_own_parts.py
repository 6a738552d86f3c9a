"""Own text and pairs: what their keys depend on, and what is refused before a run."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from tests.stages.own_data import build, plan, sentences, write_lines, write_profile
from xlm.corpus.own_text.blocks import Block, ReadBlock
from xlm.errors import ConfigError, DataError, XlmError
from xlm.store.manifest import read_manifest


def _statuses(profile: Path, root: Path, until: str = "split") -> dict[str, str]:
    return {name: one.status for name, one in plan(profile, root, until).items()}


def _write(folder: Path) -> Path:
    """Text of en, sw and yo, and pairs of sw and yo; returns the profile."""
    data = folder / "data"
    for code in ("en", "yo"):
        write_lines(data / code / "a.txt", sentences(code, 30))
    write_lines(data / "yo" / "b.txt", sentences("yo more", 20))
    pairs = zip(sentences("sw", 40), sentences("yo", 40), strict=True)
    write_lines(data / "sw-yo.tsv", ["\t".join(pair) for pair in pairs])
    return write_profile(
        folder,
        ["en", "sw", "yo"],
        [
            {"kind": "text", "language": "en", "path": str(data / "en" / "a.txt")},
            {"kind": "text", "language": "yo", "path": str(data / "yo" / "*.txt")},
        ],
        [{"kind": "tsv", "pair": "sw-yo", "path": str(data / "sw-yo.tsv")}],
    )


def test_text_of_several_files_and_pairs_without_english(tmp_path: Path) -> None:
    built = build(_write(tmp_path), tmp_path / "root", "split")
    assert set(built) == {
        *("extract-text[en]", "extract-text[yo]", "extract-parallel[sw-yo]"),
        *("split[en]", "split[yo]", "split[sw-yo]"),
    }
    text = (built["extract-text[yo]"] / "text.txt").read_text().splitlines()
    assert text == sentences("yo", 30) + sentences("yo more", 20)
    assert read_manifest(built["extract-text[yo]"]).counts["files"] == 2
    swahili = (built["extract-parallel[sw-yo]"] / "text.sw.txt").read_text().splitlines()
    assert swahili == sentences("sw", 40)


def test_a_moved_folder_keeps_the_keys_and_one_byte_changes_one(tmp_path: Path) -> None:
    profile, root = _write(tmp_path), tmp_path / "root"
    build(profile, root, "split")
    (tmp_path / "data").rename(tmp_path / "moved")
    profile.write_text(profile.read_text().replace("/data/", "/moved/"))
    assert set(_statuses(profile, root).values()) == {"cached"}
    path = tmp_path / "moved" / "yo" / "b.txt"
    path.write_bytes(path.read_bytes().replace(b"a", b"o", 1))
    changed = plan(profile, root, "split")
    assert {name for name, one in changed.items() if one.status != "cached"} == {
        "extract-text[yo]", "split[yo]",
    }  # fmt: skip
    (reason,) = changed["extract-text[yo]"].reasons
    assert reason.startswith("parts.0.sides.0.1.sha256: ")


def test_other_names_titles_and_licences_keep_the_keys(tmp_path: Path) -> None:
    profile = _write(tmp_path)
    build(profile, tmp_path / "root", "split")
    text = profile.read_text().replace("kind: text", "kind: text\n    name: news\n    title: News")
    profile.write_text(text.replace("kind: tsv", "kind: tsv\n    licence: CC0-1.0"))
    assert set(_statuses(profile, tmp_path / "root").values()) == {"cached"}


def test_an_added_source_rebuilds_only_its_language(tmp_path: Path) -> None:
    profile = _write(tmp_path)
    build(profile, tmp_path / "root", "split")
    write_lines(tmp_path / "data" / "sw.txt", sentences("sw", 5))
    line = f"  text:\n  - {{kind: text, language: sw, path: {tmp_path}/data/sw.txt}}\n"
    profile.write_text(profile.read_text().replace("  text:\n", line))
    statuses = _statuses(profile, tmp_path / "root")
    assert {name for name, status in statuses.items() if status != "cached"} == {
        "extract-text[sw]", "split[sw]",
    }  # fmt: skip


@pytest.mark.parametrize("change", ["append", "delete"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    from xlm.corpus.own_text import extract

    profile, path = _write(tmp_path), tmp_path / "data" / "en" / "a.txt"
    read_block = extract.read_block

    def changing(block: Block, target: Path) -> ReadBlock:
        read = read_block(block, target)
        if block.path == path:
            if change == "append":
                path.write_text(path.read_text() + "more\n")
            else:
                path.unlink()
        return read

    monkeypatch.setattr(extract, "read_block", changing)
    what = "has changed since this run began" if change == "append" else "can no longer be read"
    with pytest.raises(DataError, match=rf"en/a.txt {what}.*; run the same command again"):
        build(profile, tmp_path / "root", "extract-text")
    assert not list((tmp_path / "root").glob("artifacts/extract-text/*/manifest.json"))


BAD_TEXT: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"path": "no.txt"}, r"own of en: no.txt does not exist; .* working directory, /"),
    "glob": ({"path": "*.nope"}, r"own of en: \*.nope matches no file"),
    "folder": ({"path": "."}, r"\. is a folder; write a pattern for its files, e.g. \./\*\.\w+"),
    "link": ({"path": "link.txt"}, r"own of en: link.txt is a broken link"),
    "parquet as text": ({"path": "a.parquet"}, r"a.parquet is a Parquet file, not text"),
    "empty": ({"path": "empty.txt"}, r"empty.txt has no text"),
    "blank": ({"path": "blank.txt"}, r"blank.txt has no text"),
    "empty glob": ({"path": "empt*"}, r"empt\* matches only empty files"),
    "latin": ({"path": "latin.txt"}, r"latin.txt: 30 of 30 lines .* probably WINDOWS-1252"),
    "mixed": ({"path": ["good.txt", "latin.txt"]}, r"latin.txt: 30 of 30 lines .* not plain UTF-8"),
    "utf16": ({"path": "wide.txt"}, r"wide.txt: the text is UTF-16-LE, not UTF-8"),
    "zip": ({"path": "a.zip"}, r"a.zip is a zip archive, not text"),
    "cut": ({"path": "cut.gz"}, r"cut.gz: damaged or truncated"),
    "field": (
        {"kind": "jsonl", "path": "rows.jsonl", "column": "body"},
        r"rows.jsonl: 501 of 501 rows cannot be used; line 1: no field 'body'; it has text",
    ),
    "not json": ({"kind": "jsonl", "path": "good.txt"}, r"good.txt: .* line 1: it is not JSON"),
    "column": ({"kind": "tsv", "path": "good.txt", "column": 2}, r"line 1: 1 column, not 2"),
    "name": ({"kind": "tsv", "path": "good.txt", "column": "x"}, r"good.txt has no column 'x'"),
    "parquet": ({"kind": "parquet", "path": "good.txt"}, r"good.txt is damaged, or not a Parquet"),
}


def _write_bad(folder: Path) -> None:
    write_lines(folder / "good.txt", sentences("en", 30))
    write_lines(folder / "rows.jsonl", ['{"text": "x"}'] * 2000)
    (folder / "link.txt").symlink_to("nowhere")
    (folder / "a.parquet").write_bytes(b"PAR1 and more")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "blank.txt").write_bytes(b" \n\n")
    (folder / "latin.txt").write_bytes("L'élève est là\n".encode("latin-1") * 30)
    (folder / "wide.txt").write_bytes("Text and more text\n".encode("utf-16") * 3)
    (folder / "a.zip").write_bytes(b"PK\x03\x04 and more")
    (folder / "cut.gz").write_bytes(gzip.compress(b"text\n" * 5000)[:-10])


@pytest.mark.parametrize("case", BAD_TEXT)
def test_bad_text_is_refused_in_one_line_before_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    source, message = BAD_TEXT[case]
    _write_bad(tmp_path)
    monkeypatch.chdir(tmp_path)
    profile = write_profile(tmp_path, ["en"], [{"kind": "text", "language": "en", **source}])
    with pytest.raises(XlmError, match=message) as caught:
        plan(profile, tmp_path / "root", "split")
    assert "\n" not in str(caught.value)


BAD_PAIRS: dict[str, tuple[dict[str, Any], str]] = {
    "one column": ({"kind": "tsv", "path": "good.txt"}, r"good.txt: .* line 1: 1 column, not 2"),
    "one side": ({"kind": "tsv", "path": "half.tsv"}, r"half.tsv has no row with text in both"),
    "field": (
        {"kind": "jsonl", "path": "rows.jsonl"},
        r"line 1: no field 'sw' or 'translation.sw'; it has text",
    ),
    "files": (
        {"kind": "text", "paths": {"sw": ["good.txt", "rows.jsonl"], "yo": "good.txt"}},
        r"own of sw-yo: different numbers of files: sw has 2 and yo has 1",
    ),
    "side": (
        {"kind": "text", "paths": {"sw": "good.txt", "yo": "no.txt"}},
        r"sources.parallel: own of sw-yo: no.txt does not exist",
    ),
    "zip": ({"kind": "moses_zip", "path": "good.txt"}, r"good.txt: truncated or not a zip"),
}


@pytest.mark.parametrize("case", BAD_PAIRS)
def test_bad_pairs_are_refused_in_one_line_before_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    source, message = BAD_PAIRS[case]
    _write_bad(tmp_path)
    write_lines(tmp_path / "half.tsv", ["text\t"] * 10)
    monkeypatch.chdir(tmp_path)
    profile = write_profile(tmp_path, ["sw", "yo"], [], [{"pair": "sw-yo", **source}])
    with pytest.raises(XlmError, match=message) as caught:
        plan(profile, tmp_path / "root", "split")
    assert "\n" not in str(caught.value)


def test_a_language_without_any_source_is_refused(tmp_path: Path) -> None:
    write_lines(tmp_path / "en.txt", sentences("en", 5))
    text = [{"kind": "text", "language": "en", "path": str(tmp_path / "en.txt")}]
    with pytest.raises(ConfigError, match="yo has no text: no Wikipedia, no own text, no pair"):
        plan(write_profile(tmp_path, ["en", "yo"], text), tmp_path / "root", "split")
