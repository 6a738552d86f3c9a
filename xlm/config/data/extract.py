"""Settings of extraction, and the slices of the stages that extract text and rows."""

from typing import Literal

from pydantic import Field

from xlm.engine.config import Config, operational


class ExtractConfig(Config):
    """How Wikipedia dumps become plain text."""

    engine: Literal["wikiextractor"] = Field(
        default="wikiextractor",
        description="Program that converts wikitext to text (XLM: WikiExtractor).",
    )
    templates: bool = Field(
        default=False,
        description="Expand templates. This keeps all templates of a dump in memory and reads the "
        "dump twice.",
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
        description="Time limit for one page, seconds, plus one second for each 50 kB of its "
        "block. A page over the limit is dropped and listed in the logs.",
    )
    timeout_seconds: float = operational(
        172_800.0, gt=0, description="Time limit for one dump, seconds."
    )


class ExtractWikiSlice(ExtractConfig):
    """Settings that determine the text of one Wikipedia."""

    language: str


class ExtractXnliSlice(Config):
    """Settings that determine the XNLI rows of one language."""

    language: str
    train: bool
    """Whether to extract training rows: by default for English only (zero-shot transfer)."""
    max_train_rows: int | None
    max_eval_rows: int | None


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
