"""Ids for the benchmarks of shards: real text in 15 languages if available, else Zipf's law."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from xlm.bpe.apply import BpeApplier
from xlm.bpe.vocabulary import SPECIAL_TOKENS, Vocabulary, read_counted_vocabulary
from xlm.shards.encoder import LineEncoder
from xlm.shards.lines import Lines, concatenate

SIZE = 95_000
NEWS = "mirror/raw.githubusercontent.com/MicrosoftTranslator/NTREX/main/NTREX-128"
PUBLISHED = "mirror/dl.fbaipublicfiles.com/XLM"


def load_lines(shared: Path) -> tuple[str, Vocabulary, Lines]:
    """Return the origin of the lines, their vocabulary, and about a million ids."""
    if not (shared / NEWS).is_dir():
        return "synthetic (Zipf's law)", *_synthetic_lines()
    vocabulary = read_counted_vocabulary(shared / PUBLISHED / "vocab_xnli_15", size=SIZE)
    texts = [
        text
        for path in sorted((shared / NEWS).glob("newstest2019-*.txt"))
        for text in path.read_text(encoding="utf-8").lower().split("\n")[:-1]
    ]
    subwords = BpeApplier(shared / PUBLISHED / "codes_xnli_15").lines(texts)
    # Mix the languages: ids of one language compress differently.
    order = np.random.default_rng(0).permutation(len(subwords))
    lines = LineEncoder(vocabulary).encode([subwords[i] for i in order])
    return "NTREX-128 in 15 languages, published merges", vocabulary, lines


def repeated(lines: Lines, tokens: int) -> list[Lines]:
    """Repeat the lines up to at least `tokens` tokens; Parquet compresses pages separately."""
    return [lines] * -(-tokens // lines.num_tokens)


def texts_of(lines: Lines, vocabulary: Vocabulary) -> str:
    """Convert ids to lines of subwords."""
    words, bounds = [vocabulary.tokens[i] for i in lines.ids], lines.offsets.tolist()
    return "".join(" ".join(words[a:b]) + "\n" for a, b in pairwise(bounds))


def some(lines: Lines, count: int, seed: int) -> Lines:
    """Sample lines, for the synthetic data of a language."""
    numbers = np.random.default_rng(seed).integers(0, len(lines), count)
    return concatenate([lines.slice(i, i + 1) for i in numbers.tolist()])


def _synthetic_lines() -> tuple[Vocabulary, Lines]:
    tokens = (*SPECIAL_TOKENS, *(f"token{i}" for i in range(SIZE - len(SPECIAL_TOKENS))))
    vocabulary = Vocabulary(tokens, (0,) * len(SPECIAL_TOKENS) + (1,) * (SIZE - 14))
    random = np.random.default_rng(0)
    shares = np.cumsum(1 / np.arange(10, SIZE - 4))
    ids = 14 + np.searchsorted(shares / shares[-1], random.random(1_000_000))
    ends = np.flatnonzero(random.random(len(ids)) < 1 / 30) + 1
    offsets = np.unique(np.concatenate([[0], ends, [len(ids)]]))
    return vocabulary, Lines(ids.astype(np.int32), offsets.astype(np.int64))
