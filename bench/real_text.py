"""All real text at hand, tokenized by our own chain, and a synthetic tail of word types for it.

The text is what `tokenize` leaves of the profile mini15 without its caps on pairs and rows, from
the hosts or from a mirror: train, valid and test of all languages and pairs, and XNLI's sentences.
"""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from xlm.config.environment import MachineSettings
from xlm.engine.events import NoObserver
from xlm.pipeline.dag import open_request
from xlm.pipeline.request import RunRequest
from xlm.stages.text.split_files import text_files

UNCAPPED = ("sources.max_pairs=null", "sources.max_train_rows=null", "sources.max_eval_rows=null")
SEED = 4
_TAIL_COUNTS, _TAIL_WEIGHTS = (1, 2, 3), (80, 15, 5)


def write_real_text(root: Path, mirror: str | None, target: Path) -> None:
    """Build `tokenize` in the store at `root` and join all its text into one file."""
    overrides = UNCAPPED + ((f"sources.mirror={mirror}",) if mirror else ())
    request = RunRequest(profile="mini15", overrides=overrides, until="tokenize")
    settings = MachineSettings.from_environment(root=str(root))
    with open_request(request, settings, NoObserver()) as run, target.open("wb") as whole:
        for node in run.selected:
            directory = run.build(node).artifact.directory
            if node.stage == "tokenize":
                whole.writelines(_sentences(directory))


def _sentences(directory: Path) -> Iterator[bytes]:
    for file in text_files(directory):
        with file.path.open("rb") as lines:
            for line in lines:
                # Of XNLI, the two sentences without the label.
                fields = line.split(b"\t")[:2] if file.path.suffix == ".tsv" else [line]
                yield from (field.rstrip(b"\n") + b"\n" for field in fields)


def write_tail(words: Counter[str], target: Path, *, types: int) -> None:
    """Write seeded new words, until there are `types` with the given ones.

    Each is the beginning of one real word and the end of another, and seen once to three times: so
    letters, lengths and pairs stay those of the real languages.
    """
    draw = random.Random(SEED)
    real = sorted(words)
    made: set[str] = set()
    with target.open("w", encoding="utf-8", newline="\n") as file:
        while len(words) + len(made) < types:
            first, second = draw.choice(real), draw.choice(real)
            word = first[: draw.randint(1, len(first))] + second[draw.randrange(len(second)) :]
            if word in words or word in made:
                continue
            made.add(word)
            (count,) = draw.choices(_TAIL_COUNTS, _TAIL_WEIGHTS)
            file.write(" ".join([word] * count) + "\n")
