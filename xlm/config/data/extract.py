"""Settings of extraction, and the slices of the stages that extract text and rows."""

from typing import Literal

from pydantic import Field, model_validator

from xlm.engine.config import Config, added, operational
from xlm.errors import ConfigError


class ExtractConfig(Config):
    """How Wikipedia dumps become plain text."""

    engine: Literal["builtin", "wikiextractor"] = Field(
        default="builtin",
        description="Converts wikitext to text: builtin, in all worker processes, or the program "
        "wikiextractor (as XLM).",
    )
    templates: bool = Field(
        default=False,
        description="Expand templates, with wikiextractor only. This keeps all templates of a dump "
        "in memory and reads the dump twice.",
    )
    documents: bool = added(
        False,
        description="Also write the documents with id, title and URL, as Parquet. No stage reads "
        "them.",
    )
    titles: Literal["plain", "original"] = Field(
        default="plain",
        description="Title lines of the text: plain (R&B), or original, with the escapes of the "
        "dump (R&amp;B), as in XLM's data.",
    )
    variant: str = Field(
        default="zh-hans",
        pattern=r"^(original|[a-z]{2,3}(-[a-z0-9]{2,8}){0,2})$",
        description="Language variant to keep from -{zh-hans:...;zh-hant:...}- markup. Markup "
        "without this variant keeps its first one; original: keep the markup unchanged.",
    )
    missing_pages: float = operational(
        0.001,
        ge=0,
        le=1,
        description="Fraction of a dump's articles that may be lost, at least one page; more is an "
        "error. The logs list the lost pages.",
    )
    page_seconds: float = operational(
        600.0,
        gt=0,
        description="Time limit for one page, seconds, plus one second for each 50 kB of it "
        "(wikiextractor: of its block). A page over the limit is dropped and listed in the logs.",
    )
    timeout_seconds: float = operational(
        172_800.0, gt=0, description="Time limit for one dump, seconds."
    )

    @model_validator(mode="after")
    def _only_the_program_expands_templates(self) -> "ExtractConfig":
        if self.templates and self.engine != "wikiextractor":
            raise ConfigError(
                f"extract.templates: the engine {self.engine} does not expand templates",
                fix="set extract.engine=wikiextractor, or extract.templates=false",
            )
        return self


class ExtractWikiSlice(ExtractConfig):
    """Settings that determine the text of one Wikipedia."""

    language: str
    program: str = Field("", description="Release of the program, if the engine is one.")


class ExtractXnliSlice(Config):
    """Settings that determine the XNLI rows of one language."""

    language: str
    train: bool
    """Whether to extract training rows: by default for English only (zero-shot transfer)."""
    max_train_rows: int | None
    max_eval_rows: int | None
    in_english: bool = added(
        False, description="Whether the rows are English translations of the language's rows."
    )


class ExtractLabelledSlice(Config):
    """Settings that determine the labelled rows of one language."""

    task: Literal["pawsx", "files"]
    language: str
    splits: tuple[str, ...]
    columns: tuple[str, ...] = Field(
        (), description="Columns of the one or two sentences and of the label, in own files."
    )
    contents: dict[str, tuple[str, ...]] = Field(
        {}, description="Digests of the own files, by split."
    )
    max_train_rows: int | None = None
    max_eval_rows: int | None = None
    paths: dict[str, tuple[str, ...]] = operational(
        {}, description="Paths of the own files by split; `contents` is what enters the key."
    )
