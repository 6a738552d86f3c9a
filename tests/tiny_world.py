"""Shards of three toy languages, which a tiny model learns in seconds.

The languages en, fr and sw share 40 meanings, each with a different word per language. A sentence
counts up through the meanings from a random start, so masked words are predictable.
"""

import random
from dataclasses import dataclass
from pathlib import Path

from xlm.bpe.vocabulary import SPECIAL_TOKENS, Vocabulary, write_vocabulary
from xlm.config.training.model import ModelConfig
from xlm.config.training.pretrain import PretrainConfig
from xlm.shards.from_text import write_shard

LANGUAGES = ("en", "fr", "sw")
MEANINGS = 40
LABELS = ("contradiction", "neutral", "entailment")


@dataclass(frozen=True)
class TinyWorld:
    """Directories like those of the artifacts that the stages publish."""

    vocabulary: Path
    mono: dict[str, Path]
    pairs: dict[str, Path]
    xnli: dict[str, Path]


def word(language: str, meaning: int) -> str:
    """Return the word for a meaning in a language."""
    return f"{language}{meaning % MEANINGS}"


def build_world(root: Path, *, lines: int = 120, nli_pairs: int = 120) -> TinyWorld:
    """Write the vocabulary and the shards of all three splits."""
    rng = random.Random(0)
    words = [word(language, m) for language in LANGUAGES for m in range(MEANINGS)]
    counts = [0] * len(SPECIAL_TOKENS) + [1000 - i for i in range(len(words))]
    vocabulary = root / "vocabulary"
    vocabulary.mkdir(parents=True)
    write_vocabulary(Vocabulary((*SPECIAL_TOKENS, *words), tuple(counts)), vocabulary)
    sizes = {"train": lines, "valid": lines // 4, "test": lines // 4}

    def shard(
        unit: str, kind: str, languages: tuple[str, ...], texts: dict[str, list[str]]
    ) -> Path:
        directory = root / unit
        directory.mkdir()
        for split, columns in texts.items():
            sources = []
            for number, text in enumerate(columns):
                source = directory / f"{split}.{number}.txt"
                source.write_text(text, encoding="utf-8")
                sources.append(source)
            write_shard(
                sources, directory / f"{split}.00000.parquet",
                kind=kind, languages=languages, split=split, vocabulary=vocabulary,  # type: ignore[arg-type]
                row_group_tokens=1000, compression_level=1,
            )  # fmt: skip
        return directory

    def sentence(language: str, start: int, length: int) -> str:
        return " ".join(word(language, start + i) for i in range(length)) + "\n"

    def draws(count: int) -> list[tuple[int, int]]:
        return [(rng.randrange(MEANINGS), rng.randrange(3, 8)) for _ in range(count)]

    mono = {
        code: shard(
            code, "mono", (code,),
            {s: ["".join(sentence(code, *d) for d in draws(n))] for s, n in sizes.items()},
        )
        for code in LANGUAGES
    }  # fmt: skip
    pairs = {}
    for other in ("fr", "sw"):
        texts = {}
        for split, n in sizes.items():
            drawn = draws(n)
            texts[split] = ["".join(sentence(code, *d) for d in drawn) for code in ("en", other)]
        pairs[f"en-{other}"] = shard(f"en-{other}", "pair", ("en", other), texts)

    def nli_pair(code: str, number: int) -> str:
        start, label = rng.randrange(MEANINGS), number % 3
        # The label is the offset of the second sentence from the first: 0, 1 or 2 meanings.
        rows = (sentence(code, start, 3).strip(), sentence(code, start + label, 2).strip())
        return "\t".join((*rows, LABELS[label])) + "\n"

    xnli = {}
    for code in LANGUAGES:
        splits = {"train": nli_pairs} if code == "en" else {}
        splits |= {"valid": 30, "test": 30}
        texts = {s: ["".join(nli_pair(code, i) for i in range(n))] for s, n in splits.items()}
        xnli[code] = shard(f"xnli.{code}", "xnli", (code,), texts)
    return TinyWorld(vocabulary, mono, pairs, xnli)


def tiny_model(**changes: object) -> ModelConfig:
    """Settings of a model with a few thousand weights."""
    sizes = {"layers": 1, "dimension": 16, "heads": 2, "max_positions": 64, **changes}
    return ModelConfig.model_validate(sizes)


def tiny_pretraining(**changes: object) -> PretrainConfig:
    """Settings for twenty updates on small batches."""
    settings = {
        "updates": 20,
        "stream_tokens": 16,
        "stream_rows": 8,
        "pair_tokens": 120,
        "validation_updates": 10,
        "metrics_updates": 5,
        "optimizer": {"learning_rate": 0.01},
        "schedule": {"kind": "linear", "warmup_updates": 2},
        # Most tests use neither, and drawing takes longer than the twenty updates.
        "tensorboard": False,
        "figures": False,
        **changes,
    }
    return PretrainConfig.model_validate(settings)
