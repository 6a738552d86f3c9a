"""The text files of an extraction, of your own text and of cleaning, in their order."""

from collections.abc import Sequence
from pathlib import Path

from xlm.store.manifest import listed_files


def extracted_files(folder: Path, languages: Sequence[str]) -> list[list[Path]]:
    """The files of a folder, in order; for a pair, both sides together.

    Raises:
        StoreError: the manifest of the folder cannot be read.
    """
    if len(languages) == 1:
        return [[path] for path in listed_files(folder, "text*.txt")]
    return [[folder / f"text.{code}.txt" for code in languages]]
