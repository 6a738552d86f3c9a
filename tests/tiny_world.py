"""A world of three languages that a tiny model learns in seconds, as real shards.

Languages en, fr, sw share 40 meanings; the word of a meaning differs by language. A sentence
counts upwards through the meanings from a random start, so that masked words can be guessed.
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
    """Directories of artifacts as the stages would publish them."""

    vocabulary: Path
    mono: dict[str, Path]
    pairs: dict[str, Path]
    xnli: dict[str, Path]


def word(language: str, meaning: int) -> str:
    """The word of a meaning."""
    return f"{language}{meaning % MEANINGS}"


def build_world(root: Path, *, lines: int = 120, inferences: int = 120) -> TinyWorld:
    """Write vocabulary and shards of all three splits."""
    chance = random.Random(0)
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
        return [(chance.randrange(MEANINGS), chance.randrange(3, 8)) for _ in range(count)]

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

    def inference(code: str, number: int) -> str:
        start, label = chance.randrange(MEANINGS), number % 3
        # The label is how far the second sentence begins from the first: 0, 1 or 2 meanings.
        rows = (sentence(code, start, 3).strip(), sentence(code, start + label, 2).strip())
        return "\t".join((*rows, LABELS[label])) + "\n"

    xnli = {}
    for code in LANGUAGES:
        splits = {"train": inferences} if code == "en" else {}
        splits |= {"valid": 30, "test": 30}
        texts = {s: ["".join(inference(code, i) for i in range(n))] for s, n in splits.items()}
        xnli[code] = shard(f"xnli.{code}", "xnli", (code,), texts)
    return TinyWorld(vocabulary, mono, pairs, xnli)


def tiny_model(**changes: object) -> ModelConfig:
    """A model of a few thousand weights."""
    sizes = {"layers": 1, "dimension": 16, "heads": 2, "max_positions": 64, **changes}
    return ModelConfig.model_validate(sizes)


def tiny_pretraining(**changes: object) -> PretrainConfig:
    """Twenty updates on little batches."""
    settings = {
        "updates": 20,
        "stream_tokens": 16,
        "stream_rows": 8,
        "pair_tokens": 120,
        "validation_updates": 10,
        "metrics_updates": 5,
        "optimizer": {"learning_rate": 0.01},
        "schedule": {"kind": "linear", "warmup_updates": 2},
        # Most tests look at neither, and drawing takes longer than the twenty updates.
        "tensorboard": False,
        "figures": False,
        **changes,
    }
    return PretrainConfig.model_validate(settings)
