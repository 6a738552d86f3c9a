"""How the text stages go from one directory of text files to another, file by file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlm.store.manifest import listed_files

TEXT_PATTERNS = ("*.txt", "*.tsv")


@dataclass(frozen=True, order=True)
class TextFile:
    """A text file between stages: `{split}.{shard}.txt`, `{split}.{shard}.{language}.txt` or,
    for XNLI, `{split}.tsv`.
    """

    path: Path
    split: str
    shard: str
    language: str | None

    @classmethod
    def of(cls, path: Path) -> "TextFile":
        """Read split, shard and language from the name."""
        split, *middle, _ = path.name.split(".")
        shard = middle[0] if middle else "00000"
        return cls(path, split, shard, middle[1] if len(middle) > 1 else None)


def text_files(directory: Path) -> list[TextFile]:
    """All text files that an artifact's manifest names, by name."""
    paths = (path for pattern in TEXT_PATTERNS for path in listed_files(directory, pattern))
    return [TextFile.of(path) for path in sorted(paths, key=lambda path: path.name)]


def train_files(inputs: Mapping[str, Path]) -> list[tuple[str, str, TextFile]]:
    """Unit, language and file of the train files of several artifacts, in a fixed order.

    Args:
        inputs: artifact directory by unit, a language or a pair.
    """
    return [
        (unit, file.language or unit, file)
        for unit in sorted(inputs)
        for file in text_files(inputs[unit])
        if file.split == "train"
    ]


def counts_by_split(splits: Sequence[str], counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Sum the counts of the files of each split under `{split}_{name}`."""
    total: dict[str, int] = {}
    for split, found in zip(splits, counts, strict=True):
        for name, count in found.items():
            total[f"{split}_{name}"] = total.get(f"{split}_{name}", 0) + count
    return total
