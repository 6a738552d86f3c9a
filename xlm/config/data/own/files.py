"""What the settings of the user's own text and pairs share: names, locations, columns.

    numbered(["data/sw-*.txt"], "news.sw")       # (SourceFile("data/sw-*.txt", download=""),)
    numbered(["https://host/a.txt"], "news.sw")  # (SourceFile(..., download="news.sw"),)

A local path may be a pattern. A relative one is relative to the working directory. The contents of
local files are part of keys, their paths are not.
"""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field

from xlm.config.reading.urls import require_file_url
from xlm.engine.config import Config, as_list

_NAME = r"^[a-z0-9_-]+$"


class SourceFile(NamedTuple):
    """A file of a source, or a pattern of local files."""

    location: str
    """Path, pattern or URL."""
    download: str
    """Id of its download; empty: it is local."""


def is_url(location: str) -> bool:
    """Whether a location is a URL, not a path."""
    return "://" in location


def _checked(locations: tuple[str, ...]) -> tuple[str, ...]:
    if not locations or not all(one.strip() for one in locations):
        raise ValueError("the path is empty; write a path, a pattern such as data/*.txt, or a URL")
    for location in locations:
        if "\0" in location:
            raise ValueError("the path contains NUL; check it")
        if is_url(location):
            require_file_url(location)
    return locations


Locations = Annotated[tuple[str, ...], BeforeValidator(as_list), AfterValidator(_checked)]


def numbered(locations: Sequence[str], stem: str) -> tuple[SourceFile, ...]:
    """The files of a source; several URLs have numbered download ids, `c4.sw.1`, `c4.sw.2`."""
    urls = [one for one in locations if is_url(one)]
    ids = [stem] if len(urls) == 1 else [f"{stem}.{number + 1}" for number in range(len(urls))]
    remaining = iter(ids)
    return tuple(SourceFile(one, next(remaining) if is_url(one) else "") for one in locations)


class OwnSource(Config):
    """What all sources of the user have."""

    name: str = Field(
        default="own",
        pattern=_NAME,
        description="Name of the source; the sources of one language or pair have different names.",
    )
    title: str = Field(default="", description="Name for cards; empty: `name`.")
    licence: str = Field(default="not stated", min_length=1, description="Licence of the text.")


def _checked_column(column: Any) -> Any:
    if not isinstance(column, int | str) or column == "":
        raise ValueError("a column is a position, from 1, or a name; write e.g. 2 or sentence")
    if isinstance(column, int) and column < 1:
        raise ValueError(f"there is no column {column}; the first one is 1")
    return column


Column = Annotated[int | str, BeforeValidator(_checked_column)]
"""A column by its position, from 1, or by its name."""
