"""The example trains an encoder on text files, which `xlm convert` then writes for transformers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.console import environment, xlm
from tests.repository import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "train_on_your_text.py"
TINY = (
    "bpe.codes=60",
    "vocabulary.size=200",
    "model={layers: 1, dimension: 16, heads: 2, max_positions: 64}",
    "pretrain={stream_tokens: 16, stream_rows: 4, validation_updates: 5, processes: 1}",
    "pretrain.schedule.warmup_updates=2",
    "pretrain.figures=false",
    "pretrain.tensorboard=false",
)


def _train(root: Path, texts: dict[str, Path]) -> str:
    words = [f"{language}={path}" for language, path in texts.items()]
    settings = [word for setting in TINY for word in ("--set", setting)]
    done = subprocess.run(
        [sys.executable, EXAMPLE, *words, "--updates", "5", *settings],
        env=environment(root),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_text_files_become_an_encoder_and_a_second_run_finds_it(tmp_path: Path) -> None:
    texts = {}
    for language, word in (("en", "bird"), ("it", "uccello")):
        texts[language] = tmp_path / f"{language}.txt"
        lines = (f"{word} {number % 17} {word} {number}\n" for number in range(200))
        texts[language].write_text("".join(lines), encoding="utf-8")
    root = tmp_path / "data"
    printed = _train(root, texts)
    assert "built    own-text[it]" in printed
    assert "built    pretrain" in printed
    encoder = re.findall(r"^encoder  (.+)$", printed, re.MULTILINE)[0]
    written = xlm(root, "convert", encoder, str(tmp_path / "out"), "--to", "hugging-face")
    assert "masked language model" in written

    # Contents are in the keys, paths are not.
    texts["it"] = texts["it"].rename(tmp_path / "elsewhere.txt")
    again = _train(root, texts)
    assert "cached   own-text[it]" in again
    assert "cached   pretrain" in again
