"""PAWS-X, from a made archive with the layout of the public one."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from xlm.config.data.extract import ExtractLabelledSlice
from xlm.errors import DataError
from xlm.stages.data.extract_labelled import run

HEADER = "id\tsentence1\tsentence2\tlabel\n"


def archive(folder: Path, members: dict[str, str]) -> Path:
    folder.mkdir()
    with tarfile.open(folder / "x-final.tar.gz", "w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"x-final/{name}")
            entry.size = len(content.encode())
            tar.addfile(entry, io.BytesIO(content.encode()))
    return folder


@pytest.fixture
def downloaded(tmp_path: Path) -> Path:
    rows = HEADER + '1\tA "b" c\tC b A\t1\n2\tA b\tB a\t0\n3\tNS\tB\t1\n'
    names = [f"{code}/{split}_2k.tsv" for code in ("de", "en") for split in ("dev", "test")]
    training = {"en/train.tsv": rows, "de/translated_train.tsv": rows}
    return archive(tmp_path / "pawsx", dict.fromkeys(names, rows) | training)


def config(language: str, *splits: str, **limits: int) -> ExtractLabelledSlice:
    return ExtractLabelledSlice(task="pawsx", language=language, splits=splits, **limits)


@pytest.mark.parametrize("language", ["de", "en"])
def test_rows_have_named_labels_and_untranslated_ones_are_dropped(
    downloaded: Path, make_context: Any, language: str
) -> None:
    context = make_context(
        config(language, "train", "valid", "test", max_train_rows=1), pawsx=downloaded
    )
    counts = run(context).counts
    assert counts["train_rows"] == 1
    assert counts["test_rows"] == 2
    assert counts["test_empty"] == 1
    expected = 'A "b" c\tC b A\tparaphrase\n'
    assert (context.out / "train.tsv").read_text() == expected
    assert (context.out / "test.tsv").read_text() == f"{expected}A b\tB a\tnot_paraphrase\n"


def test_a_missing_member_and_a_damaged_row_are_reported(
    downloaded: Path, make_context: Any, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"has no ko/dev_2k\.tsv"):
        run(make_context(config("ko", "valid"), pawsx=downloaded))
    damaged = archive(tmp_path / "damaged", {"ko/dev_2k.tsv": HEADER + "1\ta\tb\t2\n"})
    with pytest.raises(DataError, match="line 2 is not id, two sentences and a label"):
        run(make_context(config("ko", "valid"), "ko", "again", pawsx=damaged))
