"""docs/how-to/classify-your-own-sentences.md: its profile and commands, on made data."""

import json
import random
import re
import shlex
from pathlib import Path

import pytest

from tests.flows.console import start
from tests.repository import REPOSITORY
from tests.tutorial import commands_of

pytestmark = pytest.mark.slow

PAGE = REPOSITORY / "docs" / "how-to" / "classify-your-own-sentences.md"
SMALL = (
    *("bpe.codes=200", "vocabulary.size=400", "model.layers=1", "model.dimension=16"),
    *("model.heads=2", "pretrain.updates=10", "pretrain.schedule.warmup_updates=2"),
    *("pretrain.stream_tokens=16", "pretrain.validation_updates=10", "finetune.updates=10"),
    *("finetune.schedule.warmup_updates=2", "finetune.evaluation_updates=10"),
)
GOOD = {"en": "good", "sw": "nzuri", "yo": "dara"}
BAD = {"en": "bad", "sw": "mbaya", "yo": "buru"}


def _profile() -> str:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    return str(block)


def _write_data(folder: Path, *, pairs: bool) -> None:
    random_words = random.Random(0)
    data = folder / "data"
    data.mkdir()

    def sentence(code: str) -> str:
        return " ".join(f"{code}{random_words.randrange(40)}" for _ in range(6))

    for code in GOOD:
        lines = (f"{sentence(code)} {GOOD[code]} {BAD[code]}\n" for _ in range(200))
        (data / f"{code}.txt").write_text("".join(lines), encoding="utf-8")
    files = {"train": ["en"], "dev": ["en", "sw"], "test": ["en", "sw", "yo"]}
    for split, codes in files.items():
        for code in codes:
            rows = ["first\tsecond\tlabel" if pairs else "sentence\tlabel"]
            for number in range(24):
                word, label = ((GOOD, "positive"), (BAD, "negative"))[number % 2]
                texts = [f"{sentence(code)} {word[code]}" for _ in range(1 + pairs)]
                rows.append("\t".join([*texts, label]))
            (data / f"{split}.{code}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _run(folder: Path, *words: str) -> str:
    process = start(folder / "root", *words, cwd=folder)
    printed, _ = process.communicate(timeout=500)
    assert process.returncode == 0, printed
    return printed


@pytest.mark.parametrize("pairs", [False, True])
def test_the_guide_ends_with_a_published_classifier(tmp_path: Path, pairs: bool) -> None:
    profile = _profile()
    if pairs:
        assert "premise: COLUMN and hypothesis: COLUMN" in profile
        profile = profile.replace("text: sentence ", "premise: first\n  hypothesis: second ")
    (tmp_path / "sentiment.yaml").write_text(profile, encoding="utf-8")
    _write_data(tmp_path, pairs=pairs)
    printed = {}
    for command in commands_of(PAGE):
        _, *words = shlex.split(command)
        small = [f"--set={one}" for one in SMALL] if words[0] in ("plan", "run") else []
        printed[words[0]] = _run(tmp_path, *words, *small)
    assert "extract-labelled" in printed["plan"]
    assert "Sentiment, accuracy in per cent" in printed["results"]
    assert "Yoruba (yo)" in printed["results"]
    assert "predicted positive" in printed["results"]
    (folder,) = (tmp_path / "root" / "artifacts" / "publish").glob("*/classifier")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert config["id2label"] == {"0": "negative", "1": "positive"}
    card = (folder / "README.md").read_text("utf-8")
    assert ("def to_ids(sentence, language)" in card) == pairs
    assert "XNLI" not in card
    assert f"English {'sentence pairs' if pairs else 'sentences'} for the task `sentiment`" in card
