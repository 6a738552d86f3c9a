"""Settings of the user's own parallel text; no language needs to be English.

source = TextPair(kind="text", pair="sw-yo", paths={"sw": "a.txt", "yo": "b.txt"})
source.sides         # the files of sw, then those of yo
"""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from xlm.config.data.own.files import Column, Locations, OwnSource, SourceFile, numbered
from xlm.config.languages.pairs import split_pair
from xlm.errors import ConfigError


class _PairSource(OwnSource):
    """Sentences of two languages that translate each other."""

    pair: str = Field(description="The two codes in alphabetical order, e.g. en-yo or sw-yo.")

    @field_validator("pair")
    @classmethod
    def _valid_pair(cls, pair: str) -> str:
        split_pair(pair)
        return pair

    @property
    def id(self) -> str:
        """First part of the download ids."""
        return self.name

    @property
    def pairs(self) -> tuple[str, ...]:
        """The one pair of the source."""
        return (self.pair,)


class _OneFilePair(_PairSource):
    """A source with both sentences in the same file."""

    path: Locations = Field(
        description="Path, pattern (data/*.tsv) or URL, or a list of them. Plain, or compressed "
        "with gzip, bzip2, xz or zstd.",
    )

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """The files of the source."""
        return numbered(self.path, f"{self.name}.{self.pair}")

    @property
    def sides(self) -> tuple[tuple[SourceFile, ...], ...]:
        """The files of the source, as one group."""
        return (self.files,)


class TextPair(_PairSource):
    """One file per language, aligned line by line."""

    kind: Literal["text"] = Field(
        default="text", description="text: one file per language, aligned by line."
    )
    paths: dict[str, Locations] = Field(
        description="Language to path, pattern or URL. If a language has several files, file i of "
        "one language translates file i of the other.",
    )

    @property
    def sides(self) -> tuple[tuple[SourceFile, ...], ...]:
        """The files of each language, in the order of the pair."""
        stem = f"{self.name}.{self.pair}"
        return tuple(numbered(self.paths[code], f"{stem}.{code}") for code in split_pair(self.pair))

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """All files of the source."""
        return tuple(file for side in self.sides for file in side)

    @model_validator(mode="after")
    def _names_both_languages(self) -> Self:
        _require_codes(self.pair, "paths", self.paths)
        return self


class TsvPair(_OneFilePair):
    """Two columns of files with tab-separated columns."""

    kind: Literal["tsv"] = Field(
        default="tsv", description="tsv: columns separated by tabs, without quotes."
    )
    columns: tuple[Column, Column] = Field(
        default=(1, 2),
        description="Columns of the two languages in the order of the pair: positions, from 1, or "
        "names.",
    )
    header: bool = Field(
        default=False,
        description="Whether the first line contains names of columns. Always true if `columns` "
        "has a name.",
    )

    @field_validator("columns")
    @classmethod
    def _valid_columns(cls, columns: tuple[Column, Column]) -> tuple[Column, Column]:
        if columns[0] == columns[1]:
            raise ValueError(f"both languages have the column {columns[0]}; name two columns")
        return columns


class _NamedColumnsPair(_OneFilePair):
    """Two named columns of the same file."""

    columns: dict[str, str] = Field(
        default={},
        description="Language to column; a.b is field b of a. Empty: the columns are called as the "
        "languages, or are fields of `translation`.",
    )

    @model_validator(mode="after")
    def _names_both_languages(self) -> Self:
        if self.columns:
            _require_codes(self.pair, "columns", self.columns)
        return self


class JsonlPair(_NamedColumnsPair):
    """Two fields of files with one JSON object per line."""

    kind: Literal["jsonl"] = Field(default="jsonl", description="jsonl: one JSON object per line.")


class ParquetPair(_NamedColumnsPair):
    """Two columns of Parquet files."""

    kind: Literal["parquet"] = Field(default="parquet", description="parquet: Parquet files.")


class MosesZipPair(_OneFilePair):
    """A zip archive in Moses format: one member per language, aligned line by line."""

    kind: Literal["moses_zip"] = Field(
        default="moses_zip",
        description="moses_zip: a zip with one file per language, with the code as extension.",
    )


OwnPair = TextPair | TsvPair | JsonlPair | ParquetPair | MosesZipPair


def _require_codes(pair: str, setting: str, given: Mapping[str, Any]) -> None:
    codes = split_pair(pair)
    if set(given) != set(codes):
        raise ConfigError(
            f"sources.parallel: {setting} of {pair} has {' and '.join(given) or 'no language'}",
            fix=f"name {codes[0]} and {codes[1]}, e.g. {{{codes[0]}: ..., {codes[1]}: ...}}",
        )
