"""Slices of stage clean with one cleaner, or several."""

from typing import Any

from xlm.config.data.cleaning import CleanSlice


def clean_slice(languages: tuple[str, ...] = ("sw",), **chosen: Any) -> CleanSlice:
    """A slice of these languages in which only the chosen cleaners are on."""
    off: dict[str, Any] = {
        "min_characters": None,
        "max_characters": None,
        "max_ratio": None,
        "language_model": "",
        "language_certainty": None,
        "language_names": {},
        "overlap": {},
        "unspaced": (),
        "duplicates": False,
        "near_duplicates": None,
        "minhash": "",
        "unicode": "14.0.0",
        "samples": 5,
    }
    return CleanSlice(languages=languages, **(off | chosen))
