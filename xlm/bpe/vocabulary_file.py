"""Reads a vocabulary of any kind: an artifact, its `vocabulary.json`, or lines `token count`.

vocabulary = read_vocabulary(Path("vocab_xnli_15"), size=95_000)
"""

from pathlib import Path

from xlm.bpe.vocabulary import (
    NUM_SPECIAL_TOKENS,
    VOCABULARY_FILE,
    Vocabulary,
    load_vocabulary,
    read_counted_vocabulary,
)
from xlm.errors import DataError


def read_vocabulary(path: Path, *, size: int | None = None) -> Vocabulary:
    """Read the vocabulary at a path: a folder with `vocabulary.json`, this file, or counts.

    Args:
        size: largest number of ids, with the 14 special tokens; None means all.

    Raises:
        DataError: it is not a vocabulary.
        OSError: it cannot be read.
    """
    folder = path.parent if path.name == VOCABULARY_FILE else path
    if (folder / VOCABULARY_FILE).is_file():
        full = load_vocabulary(folder)
        return Vocabulary(full.tokens[:size], full.token_counts[:size], full.codes_hash)
    _require_counted(path)
    unlimited = path.stat().st_size + NUM_SPECIAL_TOKENS
    return read_counted_vocabulary(path, size=size or unlimited)


def _require_counted(path: Path) -> None:
    """Check the first line: the reader skips invalid lines, so another file would seem empty."""
    with path.open(encoding="utf-8", newline="\n") as file:
        first = next((line for line in file if line.split()), "")
    # Tokens may contain white space other than the space.
    token, _, _ = first.removesuffix("\n").rpartition(" ")
    if " " in token or not first:
        raise DataError(
            f"{path}: the first line is not `token count`: {first[:40].rstrip()!r}",
            fix="pass the vocabulary and the BPE merges to the options that they belong to",
        )
