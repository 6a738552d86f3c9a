"""vocabulary: count the pieces of the train splits, number them, cut, report per language."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from xlm.config.base import Config
from xlm.config.pipeline import PipelineConfig
from xlm.stage import ALL, Node, Outcome, Stage, Work
from xlm.stages.text_jobs import train_files
from xlm.stages.units import corpus_units


class VocabularySlice(Config):
    """Where the counted list is cut."""

    size: int
    min_count: int


def vocabulary_slice(config: PipelineConfig, unit: str) -> VocabularySlice:
    """All of the vocabulary config."""
    return VocabularySlice(**config.vocabulary.model_dump())


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {name: Node("apply-bpe", name) for name in corpus_units(config)}


def run(work: Work[VocabularySlice]) -> Outcome:
    """Write `vocabulary.txt` (all counts), `vocabulary.json` (the cut), `report.json`."""
    from xlm.bpe.counting import language_report, write_counts
    from xlm.bpe.vocabulary import read_counted, write_vocabulary

    files = train_files(work.inputs)
    by_language: dict[str, Counter[str]] = {}
    counted = work.mapper.map(_count, [file.path for _, _, file in files])
    for (_, language, _), counts in zip(files, counted, strict=True):
        by_language.setdefault(language, Counter()).update(counts)
    everything: Counter[str] = Counter()
    for counts in by_language.values():
        everything.update(counts)
    write_counts(everything, work.out / "vocabulary.txt")
    vocabulary = read_counted(
        work.out / "vocabulary.txt", size=work.config.size, min_count=work.config.min_count
    )
    write_vocabulary(vocabulary, work.out)
    report = language_report(by_language, vocabulary)
    text = json.dumps(report, indent=1, sort_keys=True) + "\n"
    (work.out / "report.json").write_text(text, encoding="utf-8", newline="\n")
    known = int(vocabulary.counts.sum())
    return Outcome(
        counts={
            "size": vocabulary.size,
            "types": len(everything),
            "tokens": everything.total(),
            "unknown": everything.total() - known,
            "hash": vocabulary.hash,
        }
    )


def _count(path: Path) -> Counter[str]:
    from xlm.bpe.counting import count_pieces

    return count_pieces(path)


VOCABULARY = Stage(
    name="vocabulary",
    version=1,
    summary="count pieces, give them ids, cut to size",
    units=lambda config: (ALL,),
    upstream=_upstream,
    slice=vocabulary_slice,
    run=run,
)
