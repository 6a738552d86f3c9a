"""Suggestions for the error message about an unknown name."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return `did you mean 'sw'?` for a close match, or else the list of valid names."""
    known = list(names)
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}"
