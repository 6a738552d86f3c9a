"""Writes the tokenized text of the profile mini15, and a synthetic tail of rare words for it.

The text is the output of the stage `tokenize` without caps on pairs and rows, from the real servers
or from a mirror: train, valid and test of all languages and pairs, and the sentences of XNLI.
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
    """Build `tokenize` in the store at `root` and concatenate its text into one file."""
    overrides = UNCAPPED + ((f"sources.mirror={mirror}",) if mirror else ())
    request = RunRequest(profile="mini15", overrides=overrides, until="tokenize")
    settings = MachineSettings.from_environment(root=str(root))
    with open_request(request, settings, NoObserver()) as run, target.open("wb") as joined:
        for node in run.selected:
            directory = run.build(node).artifact.directory
            if node.stage == "tokenize":
                joined.writelines(_sentences(directory))


def _sentences(directory: Path) -> Iterator[bytes]:
    for file in text_files(directory):
        with file.path.open("rb") as lines:
            for line in lines:
                # In XNLI's files: the two sentences without the label.
                fields = line.split(b"\t")[:2] if file.path.suffix == ".tsv" else [line]
                yield from (field.rstrip(b"\n") + b"\n" for field in fields)


def write_tail(words: Counter[str], target: Path, *, types: int) -> None:
    """Write new words until there are `types` distinct words, including the given ones.

    A new word is the beginning of one real word and the end of another, and occurs one to three
    times. Letters, lengths and letter pairs are therefore those of the real languages.
    """
    generator = random.Random(SEED)
    real = sorted(words)
    made: set[str] = set()
    with target.open("w", encoding="utf-8", newline="\n") as file:
        while len(words) + len(made) < types:
            first, second = generator.choice(real), generator.choice(real)
            word = (
                first[: generator.randint(1, len(first))]
                + second[generator.randrange(len(second)) :]
            )
            if word in words or word in made:
                continue
            made.add(word)
            (count,) = generator.choices(_TAIL_COUNTS, _TAIL_WEIGHTS)
            file.write(" ".join([word] * count) + "\n")
