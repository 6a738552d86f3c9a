"""The commands of docs/how-to/start-from-a-checkpoint.md, on a small model and the sample world."""

import json
import shutil
from pathlib import Path

import pytest
from transformers import XLMTokenizer

from tests.flows.console import environment
from tests.model.warm_start.sources import model_with_merges, write_source
from tests.repository import REPOSITORY
from tests.tutorial import TutorialShell, commands_of
from xlm.bpe.vocabulary import load_vocabulary
from xlm.model.formats.sources import read_model

PAGE = REPOSITORY / "docs" / "how-to" / "start-from-a-checkpoint.md"
SIZES = {"layers": 1, "heads": 2, "max_positions": 64}
QUICK = ["--set", "pretrain.updates=4", "--set", "pretrain.validation_updates=2"]


def _artifacts(root: Path, stage: str) -> list[Path]:
    """The artifacts of a stage, oldest first."""
    return sorted((root / "artifacts" / stage).iterdir(), key=lambda one: one.stat().st_mtime)


@pytest.mark.slow
def test_the_guide_continues_and_fine_tunes_a_model(tmp_path: Path) -> None:
    root = tmp_path / "data"
    shell = TutorialShell(tmp_path / "shell", QUICK, environment(root))
    folder = tmp_path / "shell"
    shutil.copyfile(REPOSITORY / "tests" / "flows" / "small.yaml", folder / "mine.yaml")
    source = write_source(
        folder / "models" / "xlm", "hugging-face", model_with_merges(tmp_path, **SIZES)
    )
    commands = [one for one in commands_of(PAGE) if "mine.yaml" in one]
    assert len(commands) == 4
    continued, extended, planned, tuned = commands

    shell.run(continued)
    ids = json.loads((source / "vocab.json").read_text())
    (vocabulary,) = (load_vocabulary(path) for path in _artifacts(root, "vocabulary"))
    model = read_model(source)
    assert model.vocabulary is not None
    assert vocabulary.tokens == model.vocabulary.tokens
    assert len(ids) == vocabulary.size
    assert sum(vocabulary.token_counts) > 1000  # of the text: vocab.json has none

    shell.run(extended)
    longer = load_vocabulary(_artifacts(root, "vocabulary")[-1])
    assert longer.tokens[: vocabulary.size] == vocabulary.tokens
    assert longer.size > vocabulary.size

    plan = shell.run(planned)
    assert "no training, the encoder is that of" in plan
    assert "wikipedia" not in plan
    shell.run(tuned)
    (published,) = _artifacts(root, "publish")
    assert (published / "masked-lm/vocab.json").read_bytes() == (source / "vocab.json").read_bytes()
    assert XLMTokenizer.from_pretrained(published / "classifier").get_vocab() == ids
    copied = read_model(published / "masked-lm")
    for name, tensor in model.weights.items():
        assert tensor.equal(copied.weights[name]), name
    card = (published / "classifier" / "README.md").read_text()
    assert "taken from another model" in card
    assert (published / "classifier" / "accuracy.png").is_file()
    (evaluated,) = _artifacts(root, "evaluate")
    results = json.loads((evaluated / "results.json").read_text())
    assert results["averages"]["test"] is not None
    assert results["averages"]["perplexity"] is None
