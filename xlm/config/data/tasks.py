"""The classification task of a run: XNLI, PAWS-X, or the user's own files.

task = FilesTask(text="sentence", train={"en": "train.tsv"}, dev={"en": "dev.tsv"}, ...)
task.splits("en")                   # ("train", "valid")
task.languages(("en", "sw", "yo"))  # those in which the task has rows
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from xlm.config.languages.pairs import ENGLISH, XNLI_LANGUAGES
from xlm.engine.config import Config
from xlm.errors import ConfigError

XNLI_LABELS = ("contradiction", "neutral", "entailment")
"""Labels of XNLI in the order of XLM's label file, which gives their ids (spec 5)."""
PAWSX_LABELS = ("not_paraphrase", "paraphrase")
"""Names of the labels 0 and 1 of PAWS-X."""
SPLITS = ("train", "valid", "test")
"""Splits of a task in artifacts; settings call `valid` dev."""
LABELLED_FORMATS = ("tsv", "csv", "jsonl", "parquet")
"""What the extensions of labelled files can be, apart from that of a compression."""
COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
"""Extensions of compressed files."""


class _Task(Config):
    """What all tasks have."""

    title: ClassVar[str]
    """Name for people: XNLI."""

    def splits(self, code: str) -> tuple[str, ...]:
        """The splits of the task in a language; empty: it has no rows in it."""
        raise NotImplementedError

    def languages(self, codes: Sequence[str]) -> tuple[str, ...]:
        """Those of the given languages in which the task has rows."""
        return tuple(code for code in codes if self.splits(code))


class _PublicPairs(_Task):
    """A public data set of sentence pairs, which is downloaded."""

    codes: ClassVar[tuple[str, ...]]
    is_paired: ClassVar[bool] = True

    train: tuple[str, ...] = Field(
        default=(ENGLISH,),
        min_length=1,
        description="Languages of the training pairs. Those of other languages than English are "
        "machine translations, which the data set contains.",
    )

    def splits(self, code: str) -> tuple[str, ...]:
        """All splits in the training languages, dev and test in the others."""
        if code not in self.codes:
            return ()
        return SPLITS if code in self.train else SPLITS[1:]

    @field_validator("train")
    @classmethod
    def _known(cls, train: tuple[str, ...]) -> tuple[str, ...]:
        for code in train:
            if code not in cls.codes:
                raise ConfigError(
                    f"classify.train: {cls.title} has no language {code[:40]!r}",
                    fix=f"it has {' '.join(cls.codes)}",
                )
        return tuple(sorted(set(train)))


class XnliTask(_PublicPairs):
    """XNLI: does a premise entail a hypothesis, contradict it, or neither?"""

    title = "XNLI"
    codes = tuple(XNLI_LANGUAGES)

    task: Literal["xnli"] = Field("xnli", description="The task: `xnli`.")


class PawsxTask(_PublicPairs):
    """PAWS-X: do two sentences with the same words mean the same?"""

    title = "PAWS-X"
    codes = ("de", "en", "es", "fr", "ja", "ko", "zh")

    task: Literal["pawsx"] = Field(description="The task: `pawsx`.")


class FilesTask(_Task):
    """Labelled sentences or pairs in files of the user."""

    task: Literal["files"] = Field(description="The task: `files`.")
    name: str = Field(
        "classification",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Name of the task in tables and on the card (letters, digits, . _ -).",
    )
    text: str | None = Field(
        None, min_length=1, description="Column of the sentence, for a task of single sentences."
    )
    premise: str | None = Field(
        None, min_length=1, description="Column of the first sentence, for a task of pairs."
    )
    hypothesis: str | None = Field(
        None, min_length=1, description="Column of the second sentence, for a task of pairs."
    )
    label: str = Field("label", min_length=1, description="Column of the label.")
    labels: tuple[str, ...] = Field(
        (),
        description="Labels in the order of their ids; empty: those of the training files, sorted.",
    )
    train: dict[str, str] = Field(
        min_length=1,
        description="Language to training file: .tsv (a header, no quotes), .csv, .jsonl or "
        ".parquet. A pattern such as data/train-*.parquet joins files. The contents are part of "
        "keys, the paths are not.",
    )
    dev: dict[str, str] = Field(
        min_length=1, description="Language to file of the development set, as in `train`."
    )
    test: dict[str, str] = Field({}, description="Language to file of the test set, as in `train`.")
    licence: str = Field(
        "not stated", min_length=1, description="Licence of the files, for the card."
    )

    @property
    def is_paired(self) -> bool:
        """Whether a row has two sentences."""
        return self.text is None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the one or two sentences."""
        return (self.text,) if self.text else (self.premise or "", self.hypothesis or "")

    def locations(self, code: str) -> dict[str, tuple[str, str]]:
        """Split to setting and path or pattern, in a language."""
        settings = {"train": self.train, "dev": self.dev, "test": self.test}
        return {
            split: (f"classify.{name}.{code}", paths[code])
            for split, (name, paths) in zip(SPLITS, settings.items(), strict=True)
            if code in paths
        }

    def splits(self, code: str) -> tuple[str, ...]:
        """The splits with a file in the language."""
        return tuple(self.locations(code))

    @field_validator("train", "dev", "test")
    @classmethod
    def _known_formats(cls, paths: dict[str, str]) -> dict[str, str]:
        for code, path in paths.items():
            if file_format(Path(path)) not in LABELLED_FORMATS:
                formats = f".{', .'.join(LABELLED_FORMATS)}"
                raise ConfigError(
                    f"classify: the file of {code} has an unknown format: {path[:200]}",
                    fix=f"use one of {formats}; a URL has to be downloaded first",
                )
        return paths

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        for label in labels:
            if labels.count(label) > 1:
                raise ConfigError(f"classify.labels names {label!r} twice", fix="remove one")
        if len(labels) == 1:
            raise ConfigError(
                f"classify.labels has one label, {labels[0]!r}", fix="name all labels, or none"
            )
        return labels

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [name for name in ("text", "premise", "hypothesis") if getattr(self, name)]
        if given not in (["text"], ["premise", "hypothesis"]):
            shown = " and ".join(given) or "no column"
            raise ConfigError(
                f"classify has {shown}, but needs text, or premise and hypothesis",
                fix="name the column of the sentence (text), or the two columns of a pair",
            )
        named = {name: getattr(self, name) for name in (*given, "label")}
        for name, column in named.items():
            twins = [other for other in named if named[other] == column]
            if len(twins) > 1:
                raise ConfigError(
                    f"classify.{name} and classify.{twins[1]} are the same column, {column!r}",
                    fix="name two columns",
                )
        return self

    @model_validator(mode="after")
    def _selects_in_training_languages(self) -> Self:
        if not set(self.train) & set(self.dev):
            code = min(self.train)
            raise ConfigError(
                f"classify.dev has no file in {' or '.join(sorted(self.train))}, the languages of "
                "classify.train, so the weights cannot be selected",
                fix=f"add one, e.g. dev: {{{code}: FILE}}; some of the training rows will do, "
                "if you remove them from the training file",
            )
        return self


def file_format(path: Path) -> str:
    """The format of a labelled file from its extension, `tsv` also for `train.tsv.gz`."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS and suffixes[-2:-1] != [".parquet"]:
        suffixes.pop()
    return suffixes[-1].removeprefix(".") if suffixes else ""


Task = Annotated[XnliTask | PawsxTask | FilesTask, Field(discriminator="task")]
"""A classification task."""


def labels_of(task: Task) -> tuple[str, ...]:
    """The labels of a task in the order of their ids; empty: those of its training rows, sorted."""
    if isinstance(task, FilesTask):
        return task.labels
    return XNLI_LABELS if isinstance(task, XnliTask) else PAWSX_LABELS


def task_title(task: Task) -> str:
    """The name of a task for people."""
    return task.name if isinstance(task, FilesTask) else task.title


def require_languages(task: Task | None, codes: Sequence[str]) -> None:
    """Check that the files of a task are in languages of the profile.

    Raises:
        ConfigError: a file is in another language.
    """
    if not isinstance(task, FilesTask):
        return
    named: Mapping[str, Mapping[str, str]] = {
        "train": task.train, "dev": task.dev, "test": task.test,
    }  # fmt: skip
    for setting, paths in named.items():
        for code in paths:
            if code not in codes:
                raise ConfigError(
                    f"classify.{setting}: {code[:40]} is not a language of the profile",
                    fix=f"add {code[:40]} to languages, or remove its file",
                )
