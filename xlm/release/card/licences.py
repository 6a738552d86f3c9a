"""What the licences of the sources leave of our own.

    terms = combined_terms("apache-2.0", ["CC-BY-SA-4.0", "CC-BY-NC-4.0"])
    terms.identifier      # "cc-by-nc-sa-4.0"

Whether weights are a derived work of their training text is not settled law; the card takes the
narrowest terms of any source and says so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_FREE = re.compile(
    r"^(apache|mit\b|bsd|cc0|cc-by-\d|cc-by$|oanc|public domain|pddl|odc-by)", re.IGNORECASE
)
_CREATIVE_COMMONS = re.compile(r"^cc-by(-nc)?(-nd)?(-sa)?(-\d|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Terms:
    """The licence of a model and the limits that its sources put on it."""

    identifier: str
    """As Hugging Face names licences; `other` when a source has terms of its own."""
    non_commercial: tuple[str, ...]
    share_alike: tuple[str, ...]
    unclear: tuple[str, ...]
    """Licences that no rule here knows: their own text decides."""


def combined_terms(own: str, licences: Iterable[str]) -> Terms:
    """The terms of a model made from sources under `licences`, whose own licence is `own`."""
    distinct = sorted(set(licences))
    non_commercial = tuple(name for name in distinct if _has(name, "nc"))
    share_alike = tuple(name for name in distinct if _has(name, "sa"))
    unclear = tuple(name for name in distinct if not (_FREE.match(name) or _limited(name)))
    identifier = own.lower()
    if unclear:
        identifier = "other"
    elif non_commercial or share_alike:
        limits = ("-nc" if non_commercial else "") + ("-sa" if share_alike else "")
        identifier = f"cc-by{limits}-4.0"
    return Terms(identifier, non_commercial, share_alike, unclear)


def _limited(licence: str) -> bool:
    """A Creative Commons licence whose limits `_has` reads (no derivatives is none of them)."""
    return bool(_CREATIVE_COMMONS.match(licence)) and not _has(licence, "nd")


def _has(licence: str, limit: str) -> bool:
    return bool(_CREATIVE_COMMONS.match(licence)) and limit in licence.lower().split("-")
