"""Which lines the codes are learned from: languages balanced with an exponent (paper 3.1).

With n_i lines of language i (its monolingual lines and its side of every pair), p_i = n_i / sum n
and q_i = p_i^alpha / sum_j p_j^alpha, each line of language i is expected r_i = q_i * total / n_i
times in the sample: floor(r_i) times for certain, and once more with probability r_i - floor(r_i),
decided by a seeded hash of the line's place (file and number). So the choice depends neither on the
number of workers nor on the order of work, and English, which is one side of every pair, is held
down like any other large language.
"""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path

_CHUNK_BYTES = 1 << 20
_HASH_RANGE = 1 << 64


def language_shares(lines: Mapping[str, int], alpha: float) -> dict[str, float]:
    """q_i for each language that has lines."""
    total = sum(lines.values())
    weights = {name: (n / total) ** alpha for name, n in sorted(lines.items()) if n}
    scale = math.fsum(weights.values())
    return {name: weight / scale for name, weight in weights.items()}


def sampling_rates(
    lines: Mapping[str, int], alpha: float, sample_lines: int | None
) -> dict[str, float]:
    """r_i: how often a line of each language is expected in a sample of `sample_lines`.

    None asks for as many lines as there are: large languages lose what small ones repeat.
    """
    total = sum(lines.values()) if sample_lines is None else sample_lines
    shares = language_shares(lines, alpha)
    return {name: share * total / lines[name] for name, share in shares.items()}


def count_lines(path: Path) -> int:
    """Lines of a text file, a last one without newline included."""
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")


def sample_file(source: Path, target: Path, *, file_id: str, rate: float, seed: int) -> int:
    """Write each line of `source` as often as its rate and its hash say; return lines written.

    `file_id` names the file within the whole corpus; it is part of every line's hash.
    """
    certain = math.floor(rate)
    threshold = int((rate - certain) * _HASH_RANGE)
    written = 0
    key = hashlib.blake2b(f"{seed}\n{file_id}".encode(), digest_size=32).digest()
    with source.open("rb") as lines, target.open("wb") as sample:
        for number, line in enumerate(lines):
            repeats = certain + (threshold > 0 and _hash(key, number) < threshold)
            if repeats:
                sample.write((line if line.endswith(b"\n") else line + b"\n") * repeats)
                written += repeats
    return written


def _hash(key: bytes, number: int) -> int:
    digest = hashlib.blake2b(number.to_bytes(8, "little"), key=key, digest_size=8).digest()
    return int.from_bytes(digest, "little")
