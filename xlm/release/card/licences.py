"""Combines the licence of the weights with the licences of their sources.

    terms = combined_terms("apache-2.0", ["CC-BY-SA-4.0", "CC-BY-NC-4.0"])
    terms.identifier      # "cc-by-nc-sa-4.0"

Whether weights are a derived work of their training text is not settled law. The card applies the
most restrictive terms of any source and says so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PERMISSIVE = re.compile(
    r"^(apache|mit\b|bsd|cc0|cc-by-\d|cc-by$|oanc|public domain|pddl|odc-by)", re.IGNORECASE
)
_CREATIVE_COMMONS = re.compile(r"^cc-by(-nc)?(-nd)?(-sa)?(-\d|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Terms:
    """The licence of a model and the restrictions that its sources add."""

    identifier: str
    """A licence identifier of Hugging Face; `other` if a source has custom terms."""
    non_commercial: tuple[str, ...]
    share_alike: tuple[str, ...]
    unclear: tuple[str, ...]
    """Licences that these rules do not recognize; the user has to read them."""


def combined_terms(own: str, licences: Iterable[str]) -> Terms:
    """Combine the licence `own` of the weights with the `licences` of their sources."""
    distinct = sorted(set(licences))
    non_commercial = tuple(name for name in distinct if _has(name, "nc"))
    share_alike = tuple(name for name in distinct if _has(name, "sa"))
    unclear = tuple(
        name for name in distinct if not (_PERMISSIVE.match(name) or _allows_derivatives(name))
    )
    identifier = own.lower()
    if unclear:
        identifier = "other"
    elif non_commercial or share_alike:
        restrictions = ("-nc" if non_commercial else "") + ("-sa" if share_alike else "")
        identifier = f"cc-by{restrictions}-4.0"
    return Terms(identifier, non_commercial, share_alike, unclear)


def _allows_derivatives(licence: str) -> bool:
    """Whether it is a Creative Commons licence that allows derivatives."""
    return bool(_CREATIVE_COMMONS.match(licence)) and not _has(licence, "nd")


def _has(licence: str, restriction: str) -> bool:
    return bool(_CREATIVE_COMMONS.match(licence)) and restriction in licence.lower().split("-")
