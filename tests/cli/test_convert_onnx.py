"""`xlm convert --to onnx`: a folder whose README runs, completely or not at all."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.convertible import contents
from tests.cli.test_convert import files_up_to
from tests.flows.console import xlm
from tests.inference.fixtures import model, release
from tests.inference.small_models import LANGUAGES, TEXTS
from tests.model.formats.portable_models import small_model
from tests.release.installed import link_packages
from xlm.bpe.vocabulary import EOS
from xlm.cli.convert import convert_model
from xlm.errors import ConfigError, DataError
from xlm.inference.model import Model
from xlm.model.formats.original import write_original
from xlm.release import onnx_folder

__all__ = ["model", "release"]

PACKAGES = "onnxruntime numpy transformers sacremoses pythainlp rjieba"
FILES = [
    "README.md", "config.json", "merges.txt", "model.onnx", "tokenizer_config.json", "vocab.json",
    "vocabulary.json",
]  # fmt: skip


def blocks_of(folder: Path) -> list[str]:
    """The code of the README, with the path of its folder."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return [block.replace('folder = "."', f"folder = {str(folder)!r}") for block in blocks]


def in_every_language(code: str, sentences: int) -> str:
    """The code with a row in each language in place of its rows."""
    rows = [(code, *texts[:sentences]) for code, texts in TEXTS.items()]
    changed, count = re.subn(r"(?s)texts = \[.*?\n\]", lambda _: f"texts = {rows!r}", code)
    assert count == 1
    return changed


def output_of(code: str, folder: Path) -> str:
    """What the code prints, in an environment with the packages of the README alone."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(link_packages(folder / "site", PACKAGES.split())),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "HOME": str(folder / "home"),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_readme_runs_in_every_language_without_torch(release: Path, tmp_path: Path) -> None:
    code = "import importlib.util\nassert importlib.util.find_spec('torch') is None\n"
    for name, sentences in (("classifier", 2), ("masked-lm", 1)):
        folder = tmp_path / name
        convert_model(release / name, folder, "onnx", None, None)
        assert sorted(path.name for path in folder.iterdir()) == FILES
        assert f"`pip install {PACKAGES}`" in (folder / "README.md").read_text(encoding="utf-8")
        first = blocks_of(folder)[0]
        code += f"{first}\n{in_every_language(first, sentences)}\n"
    lines = output_of(code, tmp_path).splitlines()
    assert [line.split(" ", 1)[0] for line in lines] == ["en", "ar", *LANGUAGES] * 2
    results = [ast.literal_eval(line.split(" ", 1)[1]) for line in lines]
    classified, filled = results[: len(lines) // 2], results[len(lines) // 2 :]
    assert all(sum(shares.values()) == pytest.approx(1, abs=0.002) for shares in classified)
    assert all(len(set(tokens)) == 5 for tokens in filled)


@pytest.mark.parametrize("name", ["classifier", "masked-lm"])
def test_the_readme_s_ids_of_training_give_our_results(
    release: Path, model: Model, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "onnx"
    convert_model(release / name, folder, "onnx", None, None)
    sentences = 2 if name == "classifier" else 1
    first, second = blocks_of(folder)
    variables: dict[str, Any] = {}
    definitions, _, rest = in_every_language(first, sentences).partition("\n\ndef to_ids(")
    exec(definitions, variables)
    exec(second, variables)
    exec(rest[rest.index("\ntexts = ") :], variables)
    for language, row, logits in zip(
        LANGUAGES, variables["rows"], variables["logits"], strict=True
    ):
        encoded = model.encode(list(TEXTS[language][:sentences]), language=language)
        assert row == [EOS, *(id for ids in encoded for id in (*ids.tolist(), EOS))]
        if name == "classifier":
            expected = model.class_scores(encoded[:1], encoded[1:], language=language)[0]
            assert np.abs(logits - expected).max() < 1e-4


def test_without_the_package_the_extra_is_named_and_nothing_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_folder, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        convert_model(tmp_path / "absent", tmp_path / "out", "onnx", None, None)
    assert str(caught.value) == (
        "ONNX files need the package onnx, which is not installed; install xlm-pipeline[onnx]"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_existing_target_is_not_changed(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "there"
    target.mkdir()
    (target / "model.onnx").write_bytes(b"mine")
    with pytest.raises(ConfigError, match="there exists; remove it"):
        convert_model(source, target, "onnx", None, None)
    assert contents(target) == {"model.onnx": b"mine"}


def test_a_full_disk_leaves_nothing(source: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with files_up_to(4096), pytest.raises(DataError, match=r"out cannot be written: .*too large"):
        convert_model(source, home / "out", "onnx", None, None)
    assert list(home.iterdir()) == []


def test_an_export_that_fails_leaves_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(onnx_folder, "_readme", fail)
    home = tmp_path / "home"
    with pytest.raises(MemoryError):
        convert_model(source, home / "out", "onnx", None, None)
    assert list(home.iterdir()) == []


def test_without_merges_the_readme_has_no_code(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    convert_model(source, tmp_path / "out", "onnx", None, None)
    text = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "```" not in text
    assert "the folder has no tokenizer" in text
    assert "no tokenizer was written" in capsys.readouterr().out


def test_a_classifier_of_an_original_checkpoint_loses_its_head_without_a_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_original(tmp_path / "tuned.pth", small_model(classifier=True))
    convert_model(tmp_path / "tuned.pth", tmp_path / "onnx", "onnx", None, None)
    printed = capsys.readouterr().out
    assert "classifier (contradiction, neutral, entailment), format onnx" in printed
    assert "bias of the head" not in printed


@pytest.mark.slow
def test_the_command_writes_a_folder_that_is_refused_as_a_source(
    source: Path, codes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "folder"
    arguments = ("convert", str(source), str(out), "--to", "onnx", "--codes", str(codes))
    assert xlm(tmp_path, *arguments).startswith(f"{out}: masked language model, format onnx, 2 ")
    assert xlm(tmp_path, *arguments, code=1) == (
        f"xlm: {out} exists; remove it, or choose another path\n"
    )
    assert xlm(tmp_path, "convert", str(out), str(tmp_path / "x"), "--to", "xlm", code=1) == (
        f"xlm: {out} contains an ONNX file, which cannot be converted back; "
        "use the model that it was made from\n"
    )
