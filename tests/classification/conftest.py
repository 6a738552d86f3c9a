"""An encoder for the tiny world, and jobs of fine-tuning and evaluation."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.classification.selected import UNIT, select_alone
from tests.tiny_world import LANGUAGES, TinyWorld, tiny_model, tiny_pretraining
from xlm.bpe.vocabulary import load_vocabulary
from xlm.classification.launch.jobs import EvaluateJob, FinetuneJob
from xlm.config.training.classification import EvaluateConfig, FinetuneConfig
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription, read_description
from xlm.model.formats.ours import read_weights, save_encoder, save_weights
from xlm.model.initialise import initialise


@pytest.fixture(scope="session")
def encoder(world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact of an untrained encoder."""
    vocabulary = load_vocabulary(world.vocabulary)
    model = Encoder(
        ModelDescription(
            model=tiny_model(dropout=0.0, attention_dropout=0.0, dimension=32),
            languages=LANGUAGES,
            vocabulary_size=vocabulary.size,
            vocabulary_hash=vocabulary.hash,
        )
    )
    initialise(model, seed=0)
    directory = tmp_path_factory.mktemp("encoder")
    save_encoder(directory, model)
    return directory


@pytest.fixture(scope="session")
def causal_encoder(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same weights, described as trained by CLM alone."""
    directory = tmp_path_factory.mktemp("causal-encoder")
    description = read_description(encoder).model_copy(update={"causal": True})
    save_weights(directory, description, read_weights(encoder))
    return directory


@pytest.fixture
def make_finetune(world: TinyWorld, encoder: Path, tmp_path: Path) -> Callable[..., FinetuneJob]:
    """A fine-tuning job; keyword arguments go to its config."""

    def make(name: str = "finetune", **changes: object) -> FinetuneJob:
        settings = {
            "updates": 30,
            "batch_pairs": 16,
            "evaluation_updates": 10,
            "optimizer": {"learning_rate": 0.003},
            "schedule": {"kind": "linear", "warmup_updates": 3},
            "collapse": "report",
            **changes,
        }
        config = FinetuneConfig.model_validate(settings)
        return FinetuneJob(
            finetune=config,
            pretrain=tiny_pretraining() if config.mix_pretraining else None,
            encoder=encoder,
            vocabulary=world.vocabulary,
            train=("en",),
            rows=world.xnli,
            mono=world.mono,
            pairs=world.pairs,
            **_directories(tmp_path / name),
        )

    return make


@pytest.fixture
def make_evaluate(world: TinyWorld, encoder: Path, tmp_path: Path) -> Callable[..., EvaluateJob]:
    """An evaluation job for a fine-tuned classifier."""

    def make(name: str, classifier: Path, **changes: object) -> EvaluateJob:
        settings = {"baseline_epochs": 5, "retrieval_pairs": 20, **changes}
        return EvaluateJob(
            evaluate=EvaluateConfig.model_validate(settings),
            stream_tokens=16,
            specials=False,
            encoder=encoder,
            task="XNLI",
            selection=select_alone(
                classifier, world.vocabulary, world.xnli, tmp_path / f"{name}-s"
            ),
            cells={UNIT: classifier},
            vocabulary=world.vocabulary,
            mono=world.mono,
            pairs=world.pairs,
            train=("en",),
            rows=world.xnli,
            **_directories(tmp_path / name),
        )

    return make


def _directories(root: Path) -> dict[str, Path]:
    directories = {part: root / part for part in ("scratch", "out", "logs")}
    for directory in directories.values():
        directory.mkdir(parents=True)
    return directories
