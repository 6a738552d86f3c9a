"""Jobs and stage contexts that pretrain on the tiny world."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tiny_world import LANGUAGES, TinyWorld, tiny_model, tiny_pretraining
from tests.training.runs import NO_DROPOUT
from xlm.config.training.pretrain import PretrainSlice
from xlm.engine.stage import StageContext
from xlm.training.launch.job import PretrainJob

MakeJob = Callable[..., PretrainJob]


@pytest.fixture
def make_job(world: TinyWorld, tmp_path: Path) -> MakeJob:
    """Make a job with new directories; keyword arguments are settings of pretraining."""

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


class Recorder:
    """Records the reported progress."""

    def __init__(self) -> None:
        self.notes: list[tuple[float, float | None, str, str]] = []
        self.documents: dict[str, str] = {}
        self.lines: list[str] = []

    def update(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        self.notes.append((done, total, unit, note))

    def show(self, name: str, document: str) -> None:
        self.documents[name] = document

    def log(self, line: str, *, repeats_progress: bool = False) -> None:
        self.lines.append(line)


@pytest.fixture
def make_context(world: TinyWorld, tmp_path: Path) -> Callable[..., StageContext[PretrainSlice]]:
    """Make the context of the stage; keyword arguments are settings of pretraining."""

    def make(name: str, **changes: object) -> StageContext[PretrainSlice]:
        inputs = {"vocabulary": world.vocabulary}
        inputs |= {f"data.{unit}": path for unit, path in {**world.mono, **world.pairs}.items()}
        any_mapper: Any = None
        return StageContext(
            unit="all",
            config=PretrainSlice(
                languages=LANGUAGES,
                model=tiny_model(**NO_DROPOUT),
                pretrain=tiny_pretraining(**changes),
            ),
            inputs=inputs,
            out=tmp_path / name / "out",
            scratch=tmp_path / name / "scratch",
            logs=tmp_path / name / "logs",
            mapper=any_mapper,
            workers=1,
            progress=Recorder(),
        )

    return make
