"""Run the text stages one after the other on a small corpus.

    python tests/shards/text_path.py FOLDER WORKERS

The program prints the sha256 of each file that the stages write, as JSON.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xlm.config.reading.resolve import resolve
from xlm.engine.building.mapper import ExecutorMapper, SerialMapper, Usage
from xlm.engine.stage import Mapper, Stage, StageContext, StageResult
from xlm.processes.pool.executor import worker_pool
from xlm.stages.text.apply_bpe import APPLY_BPE
from xlm.stages.text.learn_bpe import LEARN_BPE
from xlm.stages.text.shard import SHARD
from xlm.stages.text.tokenize import TOKENIZE
from xlm.stages.text.vocabulary import VOCABULARY
from xlm.store.disk.hashing import file_sha256

UNITS = ("en", "sw", "zh", "en-sw", "xnli.sw", "xnli.en")
CORPUS_UNITS = UNITS[:4]

ENGLISH = [
    "The lower house met.",
    "",
    "Newer laws, they said, were the lowest.",  # codespell:ignore said
    "Don't panic!",
]
SWAHILI = ["Bunge la chini lilikutana.", "Sheria mpya zilisemwa.", "Habari za asubuhi?", "Ndiyo."]
CHINESE = ["我来到北京清华大学。", "他来到了网易杭研大厦。"]
PAIRS = [("Good morning.", "Habari za asubuhi."), ("The law is new.", "Sheria ni mpya.")]


def write_corpus(root: Path) -> None:
    """Write files like those of the stages split and extract-xnli, by unit."""
    texts: dict[str, dict[str, list[str]]] = {
        "en": {"train.00000.txt": ENGLISH * 20, "train.00001.txt": ENGLISH[2:] * 10},
        "sw": {"train.00000.txt": SWAHILI * 5},
        "zh": {"train.00000.txt": CHINESE},
        "en-sw": {},
        "xnli.sw": {},
        "xnli.en": {"train.tsv": ["it 's here .\tno !\tcontradiction"]},
    }
    for language, lines in (("en", ENGLISH), ("sw", SWAHILI), ("zh", CHINESE)):
        for split in ("valid", "test"):
            texts[language][f"{split}.00000.txt"] = lines
    for split in ("train", "valid", "test"):
        for side, language in enumerate(("en", "sw")):
            texts["en-sw"][f"{split}.00000.{language}.txt"] = [pair[side] for pair in PAIRS]
    for language, rows in (("en", ENGLISH), ("sw", SWAHILI)):
        for split in ("valid", "test"):
            texts[f"xnli.{language}"][f"{split}.tsv"] = [
                f"{rows[0]}\t{rows[3]}\tneutral",
                f"{rows[2]}\t{rows[2]}\tentailment",
            ]
    for unit, files in texts.items():
        folder = root / "corpus" / unit
        folder.mkdir(parents=True)
        for name, lines in files.items():
            text = "".join(line + "\n" for line in lines)
            (folder / name).write_text(text, encoding="utf-8", newline="\n")


def run_text_path(root: Path, mapper: Mapper) -> dict[str, StageResult]:
    """Run all text stages for all units in `root`; returns results by `stage.unit`."""
    config = resolve(
        "sample",
        [
            "languages=[en,sw,zh]",
            "bpe.codes=60",
            "bpe.sample_lines=100",
            "vocabulary.size=70",
            "shards.row_group_tokens=50",
        ],
    )
    write_corpus(root)
    results: dict[str, StageResult] = {}

    def run(stage: Stage[Any, Any], unit: str, inputs: Mapping[str, Path]) -> None:
        folder = root / stage.name / unit
        folders = {name: folder / name for name in ("out", "scratch", "logs")}
        for path in folders.values():
            path.mkdir(parents=True)
        assert set(stage.upstream(config, unit)) >= set(inputs)
        context = StageContext(
            unit=unit,
            config=stage.slice(config, unit),
            inputs=inputs,
            mapper=mapper,
            workers=1,
            **folders,
        )
        results[f"{stage.name}.{unit}"] = stage.run(context)

    def out(stage: Stage[Any, Any], unit: str) -> Path:
        return root / stage.name / unit / "out"

    for unit in UNITS:
        run(TOKENIZE, unit, {"text": root / "corpus" / unit})
    run(LEARN_BPE, "all", {unit: out(TOKENIZE, unit) for unit in CORPUS_UNITS})
    for unit in UNITS:
        inputs = {"text": out(TOKENIZE, unit), "codes": out(LEARN_BPE, "all")}
        run(APPLY_BPE, unit, inputs)
    subwords = {unit: out(APPLY_BPE, unit) for unit in CORPUS_UNITS}
    run(VOCABULARY, "all", subwords | {"codes": out(LEARN_BPE, "all")})
    for unit in UNITS:
        inputs = {"text": out(APPLY_BPE, unit), "vocabulary": out(VOCABULARY, "all")}
        run(SHARD, unit, inputs)
    return results


def digests(root: Path) -> dict[str, str]:
    """Return the sha256 of each published file in `root`."""
    return {
        str(path.relative_to(root)): file_sha256(path)
        for path in sorted(root.glob("*/*/out/**/*"))
        if path.is_file()
    }


@contextmanager
def mapper_of(workers: int, cache: Path) -> Iterator[Mapper]:
    """Yield the serial mapper for one worker, a process pool for more."""
    if workers == 1:
        yield SerialMapper()
        return
    with worker_pool(workers, cache) as pool:
        yield ExecutorMapper(pool, Usage())


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with mapper_of(int(sys.argv[2]), folder / "cache") as chosen:
        run_text_path(folder, chosen)
    print(json.dumps(digests(folder)))
