"""The phrases of the sample world: complete constituents in 15 languages, aligned by index.

    lexicon = load_lexicon()
    lexicon["sw"].place_kinds[0].specific[0]   # 'jikoni': in the kitchen

The data are in `lexicon.json`; its "about" describes them and their origin.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict

from xlm.errors import DataError

SUBJECTS = 12
PREDICATES = 12
KINDS = 2
SPECIFICS = 3
"""Number of specific phrases of each kind of place or time."""
ORDERS = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of place or time: `specific` phrases entail `general` and contradict other kinds."""

    general: str
    specific: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """The phrases and word orders of one language."""

    joiner: str
    """Separator of constituents: a space, or empty if the language writes no spaces."""
    sentence_end: str
    orders: tuple[str, ...]
    """Natural orders of subject S, predicate P (or verb V and its rest O), place L and time T."""
    someone: str
    does_something: str
    subjects: tuple[str, ...]
    predicates: tuple[str, ...]
    place_kinds: tuple[Kind, ...]
    time_kinds: tuple[Kind, ...]


class _KindEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    general: str
    specific: list[str]


class _LanguageEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    direction: str
    joiner: str
    sentence_end: str
    orders: list[str]
    someone: str
    does_something: str
    subjects: list[str]
    predicates: list[str]
    place_kinds: list[_KindEntry]
    time_kinds: list[_KindEntry]


@cache
def load_lexicon() -> Mapping[str, Words]:
    """Load the phrases of all languages, by language code.

    Raises:
        DataError: `lexicon.json` is damaged.
    """
    return read_lexicon(resources.files("xlm.sample").joinpath("lexicon.json").read_bytes())


def read_lexicon(content: bytes) -> Mapping[str, Words]:
    """Parse a lexicon.

    Raises:
        DataError: it is not JSON, lacks a name, or has a list of the wrong length.
    """
    try:
        entries: dict[str, object] = json.loads(content)["languages"]
        return {
            language: _words(language, _LanguageEntry.model_validate(entry))
            for language, entry in sorted(entries.items())
        }
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"lexicon.json cannot be read: {reason}", fix="install the package again"
        ) from None


def languages() -> tuple[str, ...]:
    """Sorted codes of the languages of the sample world."""
    return tuple(load_lexicon())


def _words(language: str, entry: _LanguageEntry) -> Words:
    kinds = [*entry.place_kinds, *entry.time_kinds]
    lengths = (
        len(entry.subjects), len(entry.predicates), len(entry.orders),
        len(entry.place_kinds), len(entry.time_kinds), *(len(kind.specific) for kind in kinds),
    )  # fmt: skip
    expected = (SUBJECTS, PREDICATES, ORDERS, KINDS, KINDS, *(SPECIFICS for _ in kinds))
    if lengths != expected:
        raise DataError(
            f"lexicon.json, language {language}: lists of {lengths} phrases, not {expected}",
            fix="give every language the same number of phrases",
        )
    return Words(
        joiner=entry.joiner,
        sentence_end=entry.sentence_end,
        orders=tuple(entry.orders),
        someone=entry.someone,
        does_something=entry.does_something,
        subjects=tuple(entry.subjects),
        predicates=tuple(entry.predicates),
        place_kinds=_kinds(entry.place_kinds),
        time_kinds=_kinds(entry.time_kinds),
    )


def _kinds(entries: list[_KindEntry]) -> tuple[Kind, ...]:
    return tuple(Kind(entry.general, tuple(entry.specific)) for entry in entries)
