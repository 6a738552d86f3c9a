"""Slices of the user's own text and pairs: what determines the extracted text."""

from typing import Literal

from xlm.config.data.own.files import Column
from xlm.engine.config import Config, operational


class PartFile(Config):
    """One file of a source: a local file, or the only file of a download."""

    download: str = ""
    """Id of the download; empty: the file is local."""
    sha256: str = ""
    """Digest of a local file; that of a download is part of the key as an input."""
    path: str = operational("", description="Absolute path of a local file, or name of a download.")


class Part(Config):
    """One source of a language or pair."""

    kind: Literal["text", "tsv", "jsonl", "parquet", "moses_zip"]
    sides: tuple[tuple[PartFile, ...], ...] = ()
    """The files; of kind text, those of each language."""
    columns: tuple[Column, ...] = ()
    """Column of each language; empty: they are called as the languages."""
    header: bool = False
    """Whether the first line of a TSV file contains names of columns."""
    codes: tuple[tuple[str, ...], ...] = ()
    """For each language, the extensions that members of a zip may have."""
    name: str = operational("own", description="Name of the source, for counts and messages.")


class ExtractTextSlice(Config):
    """Settings that determine the own text of one language."""

    language: str
    parts: tuple[Part, ...]
    max_bad_lines: float = operational(
        0.01, description="Fraction of damaged lines above which extraction fails."
    )
