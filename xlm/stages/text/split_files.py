"""The text files that the stages from split to apply-bpe pass on, and counts per split."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlm.store.manifest import listed_files

TEXT_PATTERNS = ("*.txt", "*.tsv")


@dataclass(frozen=True, order=True)
class TextFile:
    """One text file of a unit.

    Its name is `{split}.{shard}.txt` for a language, `{split}.{shard}.{language}.txt` for a side of
    a pair, and `{split}.tsv` for XNLI.
    """

    path: Path
    split: str
    shard: str
    language: str | None

    @classmethod
    def from_path(cls, path: Path) -> "TextFile":
        """Parse split, shard and language from the file name."""
        split, *middle, _ = path.name.split(".")
        shard = middle[0] if middle else "00000"
        return cls(path, split, shard, middle[1] if len(middle) > 1 else None)


def text_files(directory: Path) -> list[TextFile]:
    """All text files in the manifest of an artifact, ordered by name."""
    paths = (path for pattern in TEXT_PATTERNS for path in listed_files(directory, pattern))
    return [TextFile.from_path(path) for path in sorted(paths, key=lambda path: path.name)]


def train_files(inputs: Mapping[str, Path]) -> list[tuple[str, str, TextFile]]:
    """Unit, language and file of all train files of several artifacts, in a fixed order.

    Args:
        inputs: unit (a language or a pair) to directory of its artifact.
    """
    return [
        (unit, file.language or unit, file)
        for unit in sorted(inputs)
        for file in text_files(inputs[unit])
        if file.split == "train"
    ]


def counts_by_split(splits: Sequence[str], counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Sum the counts of the files of each split, named `{split}_{name}`."""
    total: dict[str, int] = {}
    for split, found in zip(splits, counts, strict=True):
        for name, count in found.items():
            total[f"{split}_{name}"] = total.get(f"{split}_{name}", 0) + count
    return total
