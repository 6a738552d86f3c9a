"""The files of the mirror have the format of the real servers."""

import bz2
import hashlib
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest

from xlm.errors import DataError
from xlm.sample.files.nli_files import (
    separate_punctuation,
    training_table,
    write_xnli,
    write_xnli_mt,
)
from xlm.sample.files.parallel_files import write_tatoeba
from xlm.sample.files.wikipedia_files import write_wikipedia

ARTICLES = [
    (f"Makala {number} & <b>", [f"Sentensi {number} ya kwanza.", 'Sentensi "ya" pili.'])
    for number in range(25)
]
SCHEMA = "{http://www.mediawiki.org/xml/export-0.11/}"


def _dump(mirror: Path, language: str = "sw") -> Path:
    write_wikipedia(mirror, language, ARTICLES, date="20261101", pages_per_stream=10)
    return mirror / f"dumps.wikimedia.org/{language}wiki/20261101"


def _multistream(folder: Path) -> bytes:
    (path,) = folder.glob("*-multistream.xml.bz2")
    return path.read_bytes()


def test_dump_is_one_xml_document_of_schema_0_11(tmp_path: Path) -> None:
    root = ElementTree.fromstring(bz2.decompress(_multistream(_dump(tmp_path))))
    pages = root.findall(f"{SCHEMA}page")
    assert root.get("version") == "0.11"
    assert [page.findtext(f"{SCHEMA}ns") for page in pages] == ["10", "14", "0"] + ["0"] * 25
    assert [page.find(f"{SCHEMA}redirect") is not None for page in pages] == [
        False,
        False,
        True,
    ] + [False] * 25
    ids = [int(page.findtext(f"{SCHEMA}id") or 0) for page in pages]
    assert ids == sorted(set(ids))
    text = pages[-1].find(f"{SCHEMA}revision/{SCHEMA}text")
    assert text is not None
    content = (text.text or "").encode()
    assert text.get("bytes") == str(len(content))
    assert int(text.get("sha1") or "", 36) == int(hashlib.sha1(content).hexdigest(), 16)
    assert len(text.get("sha1") or "") == 31


def test_index_points_at_streams_that_decode_alone(tmp_path: Path) -> None:
    folder = _dump(tmp_path)
    (index_path,) = folder.glob("*-index.txt.bz2")
    index = [
        line.split(":", 2)
        for line in bz2.decompress(index_path.read_bytes()).decode().split("\n")[:-1]
    ]
    assert len(index) == 28
    assert len({offset for offset, _, _ in index}) == 3
    dump = _multistream(folder)
    for offset, page_id, _ in index:
        stream = bz2.BZ2Decompressor().decompress(dump[int(offset) :]).decode()
        assert stream.startswith("  <page>")
        assert f"<id>{page_id}</id>" in stream
        assert stream.count("<page>") in (10, 8)


def test_checksums_and_status_describe_the_files(tmp_path: Path) -> None:
    folder = _dump(tmp_path)
    status = json.loads((folder / "dumpstatus.json").read_text())
    job = status["jobs"]["articlesmultistreamdump"]
    assert job["status"] == "done"
    assert len(job["files"]) == 2
    for algorithm in ("sha1", "md5"):
        (sums_path,) = folder.glob(f"*-{algorithm}sums.txt")
        sums = dict(reversed(line.split("  ")) for line in sums_path.read_text().split("\n")[:-1])
        for name, described in job["files"].items():
            content = (folder / name).read_bytes()
            assert sums[name] == described[algorithm] == hashlib.new(algorithm, content).hexdigest()
            assert described["size"] == len(content)
            assert described["url"] == f"/swwiki/20261101/{name}"


@pytest.mark.slow
@pytest.mark.parametrize("language", ["sw", "zh"])
def test_wikiextractor_extracts_the_paragraphs(tmp_path: Path, language: str) -> None:
    folder = _dump(tmp_path / "mirror", language)
    (dump,) = folder.glob("*-multistream.xml.bz2")
    command = [sys.executable, "-m", "wikiextractor.WikiExtractor", "-q", "--processes", "1"]
    command += ["--no-templates", "-o", str(tmp_path / "out"), str(dump)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    text = "".join(
        path.read_text(encoding="utf-8") for path in sorted((tmp_path / "out").rglob("wiki_*"))
    )
    lines = [line for line in text.split("\n") if line and not re.match(r"<doc id=|</doc>", line)]
    assert len(lines) == 25 * 3
    assert lines[1:3] == ARTICLES[0][1]


def test_parallel_zip_has_the_release_names_and_aligned_lines(tmp_path: Path) -> None:
    counts = write_tatoeba(tmp_path, "zh", [("One.", "一。"), ("Two.", "二。")])
    write_tatoeba(tmp_path, "sw", [("One.", "Moja.")])
    moses = tmp_path / "object.pouta.csc.fi/OPUS-Tatoeba/v2022-03-03/moses"
    with zipfile.ZipFile(moses / "cmn-en.txt.zip") as archive:
        assert archive.namelist() == [
            "Tatoeba.cmn-en.cmn",
            "Tatoeba.cmn-en.en",
            "README",
            "LICENSE",
        ]
        assert archive.read("Tatoeba.cmn-en.cmn").decode() == "一。\n二。\n"
        assert archive.read("Tatoeba.cmn-en.en").decode() == "One.\nTwo.\n"
    with zipfile.ZipFile(moses / "en-swh.txt.zip") as archive:
        assert archive.namelist()[:2] == ["Tatoeba.en-swh.en", "Tatoeba.en-swh.swh"]
    assert counts["pairs"] == 2


def test_parallel_sentence_with_a_line_break_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="sentence 1 of de-en"):
        write_tatoeba(tmp_path, "de", [("One.", "Eins."), ("Two.", "Zwei\n.")])


ROWS = [("The man sleeps.", "He eats.", "contradiction"), ("A.", "B.", "neutral")]


def test_xnli_zip_has_nineteen_columns_and_shared_pair_ids(tmp_path: Path, shared: Path) -> None:
    write_xnli(tmp_path, {"sw": ROWS, "en": ROWS}, {"en": ROWS[:1], "sw": ROWS[:1]})
    name = "dl.fbaipublicfiles.com/XNLI/XNLI-1.0.zip"
    with (
        zipfile.ZipFile(tmp_path / name) as ours,
        zipfile.ZipFile(shared / "mirror" / name) as real,
    ):
        assert ours.namelist() == real.namelist()
        table = ours.read("XNLI-1.0/xnli.dev.tsv").decode().split("\n")
        assert table[0] == real.read("XNLI-1.0/xnli.dev.tsv").decode().split("\n")[0]
    rows = [line.split("\t") for line in table[1:-1]]
    assert {len(row) for row in rows} == {19}
    assert [row[0] for row in rows] == ["en", "en", "sw", "sw"]
    assert [row[9] for row in rows] == ["1", "2", "1", "2"]
    assert rows[0][1] == "contradiction"
    assert rows[0][6:8] == ["The man sleeps.", "He eats."]


def test_training_table_is_tokenized_and_has_label_contradictory(tmp_path: Path) -> None:
    table = training_table(ROWS)
    write_xnli_mt(tmp_path, {"en": table, "sw": table}, {"sw": ROWS})
    with zipfile.ZipFile(tmp_path / "dl.fbaipublicfiles.com/XNLI/XNLI-MT-1.0.zip") as archive:
        table = archive.read("XNLI-MT-1.0/multinli/multinli.train.en.tsv").decode()
        assert table == (
            "premise\thypo\tlabel\nThe man sleeps .\tHe eats .\tcontradictory\nA .\tB .\tneutral\n"
        )
        assert archive.namelist()[1:] == [
            "XNLI-MT-1.0/multinli/multinli.train.sw.tsv",
            "XNLI-MT-1.0/xnli/xnli.test.sw.en.tsv",
        ]


def test_row_with_a_tab_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="tab"):
        write_xnli(tmp_path, {"en": [("a\tb", "c", "neutral")]}, {})


def test_punctuation_is_separated_in_every_script() -> None:
    assert separate_punctuation("وقال، نعم.") == "وقال ، نعم ."
    assert separate_punctuation("他说，是。") == "他说，是 。"
    assert separate_punctuation("3.5 km already .") == "3.5 km already ."


def test_bytes_do_not_depend_on_the_time(tmp_path: Path) -> None:
    for name in ("first", "second"):
        _dump(tmp_path / name)
        write_tatoeba(tmp_path / name, "de", [("One.", "Eins.")])
        write_xnli(tmp_path / name, {"en": ROWS}, {"en": ROWS})
        write_xnli_mt(tmp_path / name, {"en": training_table(ROWS)}, {})
    first = [path for path in sorted((tmp_path / "first").rglob("*")) if path.is_file()]
    assert len(first) == 8
    for path in first:
        other = tmp_path / "second" / path.relative_to(tmp_path / "first")
        assert path.read_bytes() == other.read_bytes()
