"""Sample the lines that BPE merges are learned from, with balanced languages (paper 3.1).

Language i has n_i lines: its monolingual lines and its sides of all pairs. With p_i = n_i / sum n
and q_i = p_i^alpha / sum_j p_j^alpha, a line of language i occurs r_i = q_i * total / n_i times in
the sample on average: floor(r_i) times, and once more with probability r_i - floor(r_i). A seeded
hash of the file and the line number decides. The sample depends neither on the number of workers
nor on their order, and English, one side of most pairs, is reduced like any large language.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

_CHUNK_BYTES = 1 << 20
_HASH_RANGE = 1 << 64


def language_shares(lines: Mapping[str, int], alpha: float) -> dict[str, float]:
    """Return q_i for each language with lines."""
    total = sum(lines.values())
    weights = {name: (n / total) ** alpha for name, n in sorted(lines.items()) if n}
    scale = math.fsum(weights.values())
    return {name: weight / scale for name, weight in weights.items()}


def sampling_rates(
    lines: Mapping[str, int], alpha: float, sample_lines: int | None
) -> dict[str, float]:
    """Return r_i, the expected number of copies of a line, for each language.

    Args:
        lines: number of lines by language.
        alpha: exponent of the shares; 1 keeps the proportions of the corpus.
        sample_lines: size of the sample; None is the size of the corpus, so that large languages
            lose as many lines as small ones repeat.
    """
    total = sum(lines.values()) if sample_lines is None else sample_lines
    shares = language_shares(lines, alpha)
    return {name: share * total / lines[name] for name, share in shares.items()}


def count_lines(path: Path) -> int:
    """Count the lines of a text file, including a last line without a newline."""
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")


def sample_file(source: Path, target: Path, *, file_id: str, rate: float, seed: int) -> int:
    """Sample the lines of a file; returns the number of lines written.

    Args:
        source: text file.
        target: file for the sampled lines, in their order.
        file_id: name of the file in the corpus, part of the hash of each line.
        rate: expected number of copies of a line.
        seed: seed of the hash.
    """
    written = 0
    with target.open("wb") as sample:
        for line, repeats in sampled_lines(source, file_id=file_id, rate=rate, seed=seed):
            sample.write((line if line.endswith(b"\n") else line + b"\n") * repeats)
            written += repeats
    return written


def sampled_lines(
    source: Path, *, file_id: str, rate: float, seed: int
) -> Iterator[tuple[bytes, int]]:
    """The sampled lines of a file, in their order, and how often each occurs in the sample."""
    certain = math.floor(rate)
    threshold = int((rate - certain) * _HASH_RANGE)
    key = hashlib.blake2b(f"{seed}\n{file_id}".encode(), digest_size=32).digest()
    with source.open("rb") as lines:
        for number, line in enumerate(lines):
            repeats = certain + (threshold > 0 and _hash(key, number) < threshold)
            if repeats:
                yield line, repeats


def _hash(key: bytes, number: int) -> int:
    digest = hashlib.blake2b(number.to_bytes(8, "little"), key=key, digest_size=8).digest()
    return int.from_bytes(digest, "little")
