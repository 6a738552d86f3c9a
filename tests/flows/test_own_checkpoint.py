"""The commands of docs/how-to/start-from-a-checkpoint.md, on a small model and the sample world."""

import json
import shutil
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Reader:
    """A reader of the guide, with a profile and a model where the guide has them."""

    shell: TutorialShell
    root: Path
    source: Path

    def artifacts(self, stage: str) -> list[Path]:
        """The artifacts of a stage, oldest first."""
        found = (self.root / "artifacts" / stage).iterdir()
        return sorted(found, key=lambda one: one.stat().st_mtime)


@pytest.fixture
def reader(tmp_path: Path) -> _Reader:
    root, folder = tmp_path / "data", tmp_path / "shell"
    shell = TutorialShell(folder, QUICK, environment(root))
    shutil.copyfile(REPOSITORY / "tests" / "flows" / "small.yaml", folder / "mine.yaml")
    model = model_with_merges(tmp_path, **SIZES)
    source = write_source(folder / "models" / "xlm", "hugging-face", model)
    return _Reader(shell, root, source)


def _commands() -> list[str]:
    commands = [one for one in commands_of(PAGE) if "mine.yaml" in one]
    assert len(commands) == 4
    return commands


@pytest.mark.slow
def test_pretraining_continues_as_in_the_guide(reader: _Reader) -> None:
    continued, extended, _, _ = _commands()
    reader.shell.run(continued)
    (vocabulary,) = (load_vocabulary(path) for path in reader.artifacts("vocabulary"))
    model = read_model(reader.source)
    assert model.vocabulary is not None
    assert vocabulary.tokens == model.vocabulary.tokens
    assert sum(vocabulary.token_counts) > 1000  # of the text: vocab.json has none
    reader.shell.run(extended)
    longer = load_vocabulary(reader.artifacts("vocabulary")[-1])
    assert longer.tokens[: vocabulary.size] == vocabulary.tokens
    assert longer.size > vocabulary.size


@pytest.mark.slow
def test_a_model_is_fine_tuned_as_in_the_guide(reader: _Reader) -> None:
    _, _, planned, tuned = _commands()
    plan = reader.shell.run(planned)
    assert "no training, the encoder is that of" in plan
    assert "wikipedia" not in plan
    reader.shell.run(tuned)
    (published,) = reader.artifacts("publish")
    ids = json.loads((reader.source / "vocab.json").read_text())
    assert json.loads((published / "masked-lm" / "vocab.json").read_text()) == ids
    assert XLMTokenizer.from_pretrained(published / "classifier").get_vocab() == ids
    copied = read_model(published / "masked-lm")
    for name, tensor in read_model(reader.source).weights.items():
        assert tensor.equal(copied.weights[name]), name
    card = (published / "classifier" / "README.md").read_text()
    assert "taken from another model" in card
    assert (published / "classifier" / "accuracy.png").is_file()
    (evaluated,) = reader.artifacts("evaluate")
    averages = json.loads((evaluated / "results.json").read_text())["averages"]
    assert averages["test"] is not None
    assert averages["perplexity"] is None
