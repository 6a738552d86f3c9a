"""Cleaners that compare a row with all earlier ones, by hashes of 8 bytes.

A worker computes the hashes of the rows of its range; the hashes of all ranges are compared at the
end, in the order of the corpus, so that the first of several equal rows is kept.

    cleaner = NearDuplicates(0.8)
    columns = cleaner.hashes(rows)          # uint64 (bands, rows)
    kept = np.ones(len(rows), bool)
    for column in columns:
        kept &= first_of_each(column, alive)

Two rows are similar if one of their bands is equal: MinHash with locality-sensitive hashing (Broder
1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3).
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from xlm.corpus.cleaning.rows import Row

Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

_HASH_BYTES = 8
_SHINGLE_CHARACTERS = 5
_SIGNATURE = 128
"""Most values of a signature. More values need more time and separate similarities better."""
_SEED = 42
_PARTITION_ROWS = 1 << 22
"""Rows that are sorted at once: about 200 MB."""
_HASH_RANGE = 1 << 64
_BATCH_ROWS = 1000
"""Rows whose signatures are Python lists at the same time."""
_BATCH_CHARACTERS = 1 << 20
"""Characters from which a batch has no further row: each takes about 80 bytes as a run."""


class CorpusCleaner(Protocol):
    """Judges each row by its hashes and those of earlier rows."""

    reason: str
    """Name of the reason in counts and samples: `duplicate`."""
    columns: int
    """Number of hashes of a row; a row that shares one of them with an earlier row is dropped."""

    def hashes(self, rows: Sequence[Row]) -> Hashes:
        """The hashes of rows, (columns, rows)."""
        ...


class Duplicates:
    """Drops rows that are equal to an earlier one, apart from spaces around their sides."""

    reason = "duplicate"
    columns = 1

    def hashes(self, rows: Sequence[Row]) -> Hashes:
        """One hash of each row, (1, rows)."""
        return _hashes("\n".join(side.strip() for side in row).encode() for row in rows)[None, :]


class NearDuplicates:
    """Drops rows that are similar to an earlier one: the same runs of 5 letters and digits.

    The sides of a pair are compared together. Case, punctuation and spaces do not count.
    """

    reason = "near_duplicate"

    def __init__(self, similarity: float) -> None:
        """Find half of the pairs of rows with this Jaccard similarity, and more of closer ones."""
        self.columns, self._rows_of_band = bands_for(similarity)

    def hashes(self, rows: Sequence[Row]) -> Hashes:
        """The hash of each band, (bands, rows)."""
        found = [self._bands(batch) for batch in _batches(rows)]
        return np.concatenate([np.zeros((self.columns, 0), np.uint64), *found], axis=1)

    def _bands(self, rows: Sequence[Row]) -> Hashes:
        from rensa import RMinHash

        values = self.columns * self._rows_of_band
        shingles = [_shingles(row) for row in rows]
        matrix = RMinHash.digest_matrix_from_token_sets(shingles, values, _SEED)
        signatures = np.array(matrix.to_rows(), dtype="<u4")
        bands = signatures.reshape(len(rows), self.columns, self._rows_of_band)
        return np.stack([_hashes(map(bytes, bands[:, band])) for band in range(self.columns)])


def bands_for(similarity: float) -> tuple[int, int]:
    """The number of bands, and of values in a band, that find half of the pairs so similar.

    Two rows of similarity s share one of b bands of r values with probability 1 - (1 - s^r)^b.
    """

    def found_by_half(rows: int) -> float:
        return float((1 - 0.5 ** (1 / (_SIGNATURE // rows))) ** (1 / rows))

    rows = min(range(1, _SIGNATURE + 1), key=lambda one: abs(found_by_half(one) - similarity))
    return _SIGNATURE // rows, rows


def first_of_each(column: Hashes, alive: Flags) -> Flags:
    """Which rows repeat no earlier row, in one column of hashes.

    Args:
        column: the hashes of all rows in the order of the corpus.
        alive: rows to compare; the others are neither kept nor a reason to drop a row.

    Returns: flags, (rows,); rows that are not alive are false.
    """
    kept = np.zeros(len(column), np.bool_)
    parts = max(1, -(-len(column) // _PARTITION_ROWS))
    for part in range(parts):
        # Bounds instead of an array of partition numbers: it would need 8 bytes a row.
        lowest, highest = _HASH_RANGE * part // parts, _HASH_RANGE * (part + 1) // parts - 1
        chosen = np.flatnonzero(
            alive & (column >= np.uint64(lowest)) & (column <= np.uint64(highest))
        )
        _, first = np.unique(column[chosen], return_index=True)
        kept[chosen[first]] = True
    return kept


def _batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Batches of rows, bounded by their number and their length."""
    start = characters = 0
    for end, row in enumerate(rows, start=1):
        characters += sum(map(len, row))
        if end - start == _BATCH_ROWS or characters >= _BATCH_CHARACTERS or end == len(rows):
            yield rows[start:end]
            start, characters = end, 0


def _shingles(row: Row) -> list[str]:
    """The runs of letters and digits of a row; the whole text if it is shorter than a run."""
    found = []
    for side in row:
        folded = unicodedata.normalize("NFKC", side).casefold()
        text = "".join(filter(str.isalnum, folded)) or side.strip()
        last = max(1, len(text) - _SHINGLE_CHARACTERS + 1)
        found += [text[start : start + _SHINGLE_CHARACTERS] for start in range(last)]
    return found


def _hashes(contents: Any) -> Hashes:
    digests = b"".join(
        hashlib.blake2b(content, digest_size=_HASH_BYTES).digest() for content in contents
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
