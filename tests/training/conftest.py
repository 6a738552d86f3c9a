"""The tiny world, and a way to pretrain on it in this process."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tiny_world import LANGUAGES, TinyWorld, tiny_model, tiny_pretraining
from xlm.training.job import PretrainJob

MakeJob = Callable[..., PretrainJob]


@pytest.fixture(autouse=True)
def _restore_signals() -> Iterator[None]:
    """The trainer takes over signals, as it may in a process of its own."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def make_job(world: TinyWorld, tmp_path: Path) -> MakeJob:
    """A job in directories of its own; keyword arguments go to the pretraining config."""

    def make(
        name: str = "run",
        languages: tuple[str, ...] = LANGUAGES,
        model: dict[str, object] | None = None,
        **changes: object,
    ) -> PretrainJob:
        directories = {part: tmp_path / name / part for part in ("scratch", "out", "logs")}
        for directory in directories.values():
            directory.mkdir(parents=True, exist_ok=True)
        return PretrainJob(
            languages=languages,
            model=tiny_model(**(model or {})),
            pretrain=tiny_pretraining(**changes),
            vocabulary=world.vocabulary,
            mono={code: world.mono[code] for code in languages},
            pairs={
                pair: path
                for pair, path in world.pairs.items()
                if set(pair.split("-")) <= set(languages)
            },
            **directories,
        )

    return make
