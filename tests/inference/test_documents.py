"""The examples of the pages on inference run, on a small random model."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.repository import REPOSITORY
from tests.tutorial import TutorialShell

PYTHON = REPOSITORY / "docs" / "reference" / "python.md"
HOW_TO = REPOSITORY / "docs" / "how-to" / "use-a-model.md"


@pytest.fixture
def folder(release: Path, tmp_path: Path) -> Path:
    """A folder with a store that has one published artifact."""
    shutil.copytree(release, tmp_path / "data" / "artifacts" / "publish" / "KEY")
    return tmp_path


def test_the_examples_of_the_python_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    page = PYTHON.read_text(encoding="utf-8")
    blocks = [
        block
        for block in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        if "import xlm\n" in block
    ]
    assert len(blocks) == 2
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PYTHON), "exec"), names)
    printed = capsys.readouterr().out
    assert "(2, 32) float32" in printed
    assert "entailment" in printed


def test_the_members_of_the_python_page_exist(folder: Path) -> None:
    import xlm

    model = xlm.load(folder / "data/artifacts/publish/KEY")
    page = PYTHON.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z_`, ()=5]+) \|", page, re.MULTILINE)
    members = {name for row in rows for name in re.findall(r"`([a-z_]+)", row)}
    assert {"predict", "labels", "has_mask_head", "max_tokens", "perplexity"} <= members
    assert {name for name in members if not hasattr(model, name)} == set()


@pytest.mark.slow
def test_the_commands_of_the_how_to_page(folder: Path) -> None:
    page = HOW_TO.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    shell = TutorialShell(folder, (), os.environ)
    printed = shell.run("set -e\n" + "\n".join(blocks))
    assert "label\tcontradiction\tneutral\tentailment" in printed
    assert "text\tmask\ttoken\tprobability" in printed
    (masks,) = (json.loads(line) for line in printed.splitlines() if line.startswith("{"))
    assert len(masks["masks"][0]) == 3
    vectors_ND = np.load(folder / "vectors.npy")
    assert vectors_ND.shape == (2, 32)
    np.testing.assert_allclose(
        np.stack(pq.read_table(folder / "vectors.parquet")["vector"].to_numpy()), vectors_ND
    )
    assert len((folder / "labels.tsv").read_text().splitlines()) == 3
    assert len((folder / "labels.jsonl").read_text().splitlines()) == 2
