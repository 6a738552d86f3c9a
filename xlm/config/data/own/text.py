"""Settings of the user's own monolingual text.

source = JsonlText(kind="jsonl", name="c4", language="sw", path="data/sw-*.jsonl.gz")
source.files         # (SourceFile("data/sw-*.jsonl.gz", download=""),)
"""

from typing import Annotated, Literal

from pydantic import Field

from xlm.config.data.own.files import Column, Locations, OwnSource, SourceFile, numbered


class _TextFiles(OwnSource):
    """Monolingual text of one language."""

    language: str = Field(description="Code of the language.")
    path: Locations = Field(
        description="Path, pattern (data/yo/*.txt) or URL, or a list of them. Plain, or compressed "
        "with gzip, bzip2, xz or zstd.",
    )

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """The files of the source."""
        return numbered(self.path, f"{self.name}.{self.language}")


class PlainText(_TextFiles):
    """Files with one sentence or paragraph per line."""

    kind: Literal["text"] = Field(
        default="text", description="text: one sentence or paragraph per line."
    )

    @property
    def column(self) -> Column:
        """A line has one column."""
        return 1


class TsvText(_TextFiles):
    """One column of files with tab-separated columns."""

    kind: Literal["tsv"] = Field(
        default="tsv", description="tsv: columns separated by tabs, without quotes."
    )
    column: Column = Field(
        default=1, description="Column of the text: its position, from 1, or its name."
    )
    header: bool = Field(
        default=False,
        description="Whether the first line contains names of columns. Always true if `column` is "
        "a name.",
    )


class JsonlText(_TextFiles):
    """One field of files with one JSON object per line."""

    kind: Literal["jsonl"] = Field(default="jsonl", description="jsonl: one JSON object per line.")
    column: str = Field(
        default="text", min_length=1, description="Field with the text; a.b is field b of a."
    )


class ParquetText(_TextFiles):
    """One column of Parquet files."""

    kind: Literal["parquet"] = Field(default="parquet", description="parquet: Parquet files.")
    column: str = Field(
        default="text", min_length=1, description="Column with the text; a.b is field b of a."
    )


OwnText = Annotated[PlainText | TsvText | JsonlText | ParquetText, Field(discriminator="kind")]
"""Monolingual text of the user."""
