"""The cells of the fine-tuning sweep: which training languages, learning rate, batch and seed.

for cell in cells(config):
    cell.unit                # "en.lr5e-06.b8.s0"
    cell.finetune(config)    # the settings of this cell
"""

from dataclasses import dataclass

from xlm.config.pipeline import PipelineConfig
from xlm.config.training.classification import FinetuneConfig
from xlm.config.training.sweep import Setting, SweepConfig
from xlm.stages.units import task_languages

_ALL_LANGUAGES = "all"


@dataclass(frozen=True)
class Cell:
    """One fine-tuned model of the sweep."""

    name: str
    """Of the training rows: `en`, `all`, `en_sw`."""
    train: tuple[str, ...]
    """Languages of the training rows."""
    scored: tuple[str, ...]
    """Languages whose dev rows the model is scored on."""
    learning_rate: float
    batch_pairs: int
    seed: int

    @property
    def unit(self) -> str:
        """Unit of the finetune and score artifacts, the same in every run with this cell."""
        # All digits of the rate, so that no two cells have the same unit.
        rate = repr(self.learning_rate).removesuffix(".0")
        return f"{self.name}.lr{rate}.b{self.batch_pairs}.s{self.seed}"

    def finetune(self, config: PipelineConfig) -> FinetuneConfig:
        """The settings of this cell: it sees as many rows as every other cell."""
        base = config.finetune
        ratio = base.batch_pairs / self.batch_pairs
        return base.model_copy(
            update={
                "optimizer": base.optimizer.model_copy(
                    update={"learning_rate": self.learning_rate}
                ),
                "batch_pairs": self.batch_pairs,
                "updates": max(1, round(base.updates * ratio)),
                "evaluation_updates": max(1, round(base.evaluation_updates * ratio)),
                "collapse_updates": max(1, round(base.collapse_updates * ratio)),
                "seed": self.seed,
                "sweep": SweepConfig(),
            }
        )


def cells(config: PipelineConfig) -> tuple[Cell, ...]:
    """All cells of a run: the grid of `finetune.sweep` for each set of training languages."""
    sweep, base = config.finetune.sweep, config.finetune
    return tuple(
        Cell(name, train, scored, learning_rate, batch_pairs, seed)
        for (name, train), scored in _scored_languages(config).items()
        for learning_rate in sweep.learning_rates or (base.optimizer.learning_rate,)
        for batch_pairs in sweep.batch_pairs or (base.batch_pairs,)
        for seed in sweep.seeds or (base.seed,)
    )


def cell_units(config: PipelineConfig) -> tuple[str, ...]:
    """The units of the stages that run once for each cell."""
    return tuple(cell.unit for cell in cells(config))


def cell_of(config: PipelineConfig, unit: str) -> Cell:
    """The cell of a unit."""
    return next(cell for cell in cells(config) if cell.unit == unit)


def training_sets(config: PipelineConfig, setting: Setting) -> dict[str, tuple[str, ...]]:
    """The names of the training rows of a setting, with the languages that it tests each in.

    {"en": ("en", "sw")} for zero-shot, {"en": ("en",), "sw": ("sw",)} for translate-train.
    """
    languages = task_languages(config)
    if setting == "translate-train":
        return {code: (code,) for code in languages}
    if setting == "translate-train-all":
        return {_name(languages, languages): languages}
    return {_name(_training(config), languages): languages}


def _scored_languages(
    config: PipelineConfig,
) -> dict[tuple[str, tuple[str, ...]], tuple[str, ...]]:
    """The sets of training languages with the languages to score on dev, in the paper's order."""
    if config.classify is None:
        return {}
    languages = task_languages(config)
    found: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
    for setting in config.xnli.settings:
        for name, tested in training_sets(config, setting).items():
            train = _training_of(config, name)
            before = found.get((name, train), ())
            found[name, train] = tuple(code for code in languages if code in {*before, *tested})
    return found


def _training(config: PipelineConfig) -> tuple[str, ...]:
    return tuple(sorted(config.classify.train)) if config.classify else ()


def _training_of(config: PipelineConfig, name: str) -> tuple[str, ...]:
    if name == _name(_training(config), task_languages(config)):
        return _training(config)
    return task_languages(config) if name == _ALL_LANGUAGES else (name,)


def _name(train: tuple[str, ...], languages: tuple[str, ...]) -> str:
    """`all` for several languages that are all of the task's, otherwise their codes."""
    return _ALL_LANGUAGES if len(train) > 1 and train == languages else "_".join(train)
