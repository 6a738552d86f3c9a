"""Did you mean: the end of an error line about a name that does not exist."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """`did you mean 'sw'?` for a near miss, else the list of what there is."""
    known = list(names)
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}"
