"""The facts of a run, with invented values."""

from dataclasses import replace

import pytest

from tests.release.artifacts import results
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.config.training.classification import FinetuneConfig
from xlm.config.training.model import ModelConfig
from xlm.config.training.pretrain import PretrainConfig
from xlm.config.training.release import ReleaseConfig
from xlm.display.plotting import Series
from xlm.model.formats.description import ModelDescription
from xlm.release.card.facts import DataFacts, MachineFacts, RunFacts, SourceFacts

CODES = ("de", "en", "sw")


@pytest.fixture
def description() -> ModelDescription:
    return ModelDescription(
        model=ModelConfig(layers=2, dimension=16, heads=4, max_positions=64),
        languages=CODES,
        vocabulary_size=60,
        vocabulary_hash="ab" * 32,
    )


@pytest.fixture
def facts(description: ModelDescription) -> RunFacts:
    updates = (100, 200, 300)
    return RunFacts(
        release=ReleaseConfig(name="xlm-test", author="A. Tester"),
        synthetic=False,
        description=description,
        merges=40,
        pretrain=PretrainConfig(),
        trained=("mlm", "tlm"),
        finetune=FinetuneConfig(),
        sources=(
            *(_wikipedia(code) for code in CODES),
            SourceFacts("ntrex.en", "NTREX-128", "https://host/en.txt", "CC-BY-SA-4.0", 5_000),
            SourceFacts("xnli", "XNLI 1.0", "https://host/XNLI.zip", "CC-BY-NC-4.0", None),
            SourceFacts("multinli", "MultiNLI", "https://host/MT.zip", "OANC", 1_000_000),
        ),
        data=(DataFacts("de", 1200, 30_000), DataFacts("de-en", 400, 9_000)),
        results=results(CODES),
        losses={"MLM": Series(updates, (5.0, 3.0, 2.0)), "TLM": Series(updates, (5.0, 2.0, 1.9))},
        perplexities={code: Series(updates, (90.0, 30.0, 12.0)) for code in CODES},
        counts={"pretrain": {"updates": 300, "tokens": 1_000_000}, "finetune": {"updates": 50}},
        machines={"pretrain": MachineFacts(754.2, 2_000_000_000, 23_456.7, "Linux-6", 2)},
    )


def _wikipedia(code: str) -> SourceFacts:
    return SourceFacts(
        unit=f"wikipedia.{code}",
        name=f"Wikipedia ({XNLI_LANGUAGES[code].name})",
        url=f"https://dumps.wikimedia.org/{code}wiki/20261101/x.bz2",
        licence="CC-BY-SA-4.0",
        size_bytes=142_873,
    )


@pytest.fixture
def copied_facts(facts: RunFacts) -> RunFacts:
    """The facts of a run with `finetune.encoder`: the encoder is that of another model."""
    machines = {
        "pretrain": MachineFacts(1.0, 1_000, None, "Linux-6", 2),
        "finetune": MachineFacts(60.0, 1_000, None, "Linux-6", 16),
    }
    return replace(
        facts,
        trained=(),
        warm_start="original 5f0c",
        has_foreign_merges=True,
        counts={"pretrain": {"updates": 0, "tokens": 0}, "finetune": {"updates": 50}},
        machines=machines,
        losses={},
        perplexities={},
    )
