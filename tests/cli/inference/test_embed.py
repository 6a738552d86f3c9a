"""`xlm embed`: a vector for each line, complete or not at all."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.inference.small_models import TEXTS
from xlm.cli.inference.embed import embed, require_target
from xlm.errors import ConfigError, DataError
from xlm.inference.model import Model

Write = Callable[[Sequence[str]], Path]
LINES = [*TEXTS["sw"], "Watoto.", "Nyumba kubwa na bustani."]


def write_vectors(model: Model, file: Path, output: Path, **options: object) -> None:
    settings = {"pooling": "mean", "layer": -1, "subtract_mean": False, **options}
    embed(model, file, "sw", output, **settings)  # type: ignore[arg-type]


def test_npy_has_a_row_for_each_line(model: Model, write: Write, tmp_path: Path) -> None:
    output = tmp_path / "v.npy"
    write_vectors(model, write(LINES), output, pooling="first", layer=1)
    found_ND = np.load(output)
    expected_ND = model.embed(LINES, language="sw", pooling="first", layer=1)
    assert found_ND.dtype == np.float32
    np.testing.assert_allclose(found_ND, expected_ND, atol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lines", "v.npy"]


def test_parquet_has_the_texts_too(model: Model, write: Write, tmp_path: Path) -> None:
    output = tmp_path / "v.parquet"
    write_vectors(model, write(LINES), output, subtract_mean=True)
    table = pq.read_table(output)
    assert table["text"].to_pylist() == LINES
    assert table["language"].to_pylist() == ["sw"] * len(LINES)
    expected_ND = model.embed(LINES, language="sw", subtract_mean=True)
    np.testing.assert_allclose(np.stack(table["vector"].to_numpy()), expected_ND, atol=1e-6)
    np.testing.assert_allclose(expected_ND.mean(0), 0, atol=1e-6)


def test_more_lines_than_a_part_stay_in_order(model: Model, write: Write, tmp_path: Path) -> None:
    lines = [LINES[number % 4] for number in range(1_100)]
    write_vectors(model, write(lines), tmp_path / "v.npy")
    found_ND = np.load(tmp_path / "v.npy")
    four_ND = model.embed(LINES, language="sw")
    np.testing.assert_allclose(found_ND, four_ND[np.arange(1_100) % 4], atol=1e-5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"A\n\nB\n", "line 2 is empty; remove it, or write a text"),
        (b"A\nB\xff\n", "line 2: not UTF-8 (invalid start byte at byte 1); convert it to UTF-8"),
    ],
)
def test_an_invalid_line_leaves_the_older_file(
    model: Model, tmp_path: Path, content: bytes, message: str
) -> None:
    path, output = tmp_path / "lines", tmp_path / "v.npy"
    path.write_bytes(content)
    output.write_bytes(b"older")
    with pytest.raises(DataError, match=re.escape(f"{path}, {message}")):
        write_vectors(model, path, output)
    assert output.read_bytes() == b"older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lines", "v.npy"]


def test_a_file_without_lines_gives_no_rows(model: Model, write: Write, tmp_path: Path) -> None:
    write_vectors(model, write([]), tmp_path / "v.npy")
    assert np.load(tmp_path / "v.npy").shape == (0, model.dimension)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": 4}, "layer 4 does not exist; use 0 (the embeddings) to 3, or -1 for the last"),
        ({"layer": -5}, "layer -5 does not exist"),
        ({"pooling": "max"}, "unknown pooling 'max'; use mean or first"),
    ],
)
def test_wrong_options_are_refused(
    model: Model, write: Write, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        write_vectors(model, write(LINES), tmp_path / "v.npy", **options)


def test_the_target_is_checked_before_a_model_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"v.csv: unknown format; end it in .npy or .parquet"):
        require_target(tmp_path / "v.csv")
    with pytest.raises(ConfigError, match="the folder does not exist; create it"):
        require_target(tmp_path / "absent" / "v.npy")
    (tmp_path / "v.npy").mkdir()
    with pytest.raises(ConfigError, match=r"v.npy is a folder; choose another name"):
        require_target(tmp_path / "v.npy")
