"""The options of `xlm evaluate`, and which task has which."""

from dataclasses import dataclass
from pathlib import Path

from xlm.display.suggest import did_you_mean
from xlm.errors import ConfigError

TASKS = ("xnli", "classify", "perplexity", "retrieval")
_ALLOWED = {
    "split": ("xnli",),
    "mirror": ("xnli",),
    "text": ("classify",),
    "premise": ("classify",),
    "hypothesis": ("classify",),
    "label": ("classify",),
    "confusion": ("xnli", "classify"),
    "seed": ("perplexity",),
    "pooling": ("retrieval",),
    "layer": ("retrieval",),
}
_MOST_FILES = {"xnli": 1, "classify": 1, "perplexity": 1, "retrieval": 2}
_LANGUAGES = {"perplexity": (1, "one language", "sw"), "retrieval": (2, "two languages", "en,sw")}


@dataclass(frozen=True)
class Options:
    """The options as they were given; None: not given."""

    task: str
    files: tuple[Path, ...] = ()
    languages: tuple[str, ...] = ()
    limit: int | None = None
    split: str | None = None
    mirror: str | None = None
    text: str | None = None
    premise: str | None = None
    hypothesis: str | None = None
    label: str | None = None
    confusion: bool = False
    seed: int | None = None
    pooling: str | None = None
    layer: int | None = None
    as_json: bool = False
    output: Path | None = None

    def check(self) -> None:
        """Check the options before anything is read.

        Raises:
            ConfigError: the task is unknown, or an option does not fit it.
        """
        if self.task not in TASKS:
            raise ConfigError(
                f"unknown --task {self.task[:40]!r}", fix=did_you_mean(self.task, TASKS)
            )
        for name, tasks in _ALLOWED.items():
            if getattr(self, name) not in (None, False) and self.task not in tasks:
                raise ConfigError(
                    f"--{name} is for --task {' or '.join(tasks)}", fix="leave it out"
                )
        if len(self.files) > _MOST_FILES[self.task]:
            raise ConfigError(
                f"{len(self.files)} files for --task {self.task}",
                fix=f"pass at most {_MOST_FILES[self.task]}",
            )
        self._check_languages()
        if self.split not in (None, "dev", "test"):
            raise ConfigError(f"unknown --split {self.split[:40]!r}", fix="use dev or test")
        if self.pooling not in (None, "mean", "first"):
            raise ConfigError(f"unknown --pooling {self.pooling[:40]!r}", fix="use mean or first")
        if self.text and (self.premise or self.hypothesis):
            raise ConfigError(
                "--text is for single sentences, --premise and --hypothesis are for pairs",
                fix="pass --text, or both of the others",
            )
        if bool(self.premise) != bool(self.hypothesis):
            raise ConfigError("a pair has two columns", fix="pass --premise and --hypothesis")
        if self.output is not None and self.output.exists() and not self.output.is_dir():
            raise ConfigError(f"--output {self.output} is not a folder", fix="name a folder")

    def _check_languages(self) -> None:
        for code in self.languages:
            if self.languages.count(code) > 1:
                raise ConfigError(f"--lang names {code[:40]!r} twice", fix="remove one")
        if self.task in _LANGUAGES:
            count, what, example = _LANGUAGES[self.task]
            if len(self.languages) != count:
                raise ConfigError(
                    f"--task {self.task} needs {what}, but --lang has {len(self.languages)}",
                    fix=f"pass --lang {example}",
                )
