"""Stage vocabulary: count the subwords of the train splits and give an id to the most frequent.

If `bpe.source` is official, the published counts determine the ids. If it is checkpoint, the ids
are those of the source, and new tokens follow. The report per language always describes the train
splits.
"""

import json
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from xlm.config.data.bpe import CheckpointVocabularySlice, VocabularySlice
from xlm.config.data.sources import OFFICIAL_VOCABULARY_ID
from xlm.config.pipeline import PipelineConfig, source_of_subwords
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.stages.text.learn_bpe import CODES_FILE
from xlm.stages.text.split_files import train_files
from xlm.stages.units import corpus_units, single_unit
from xlm.store.disk.hashing import file_sha256

if TYPE_CHECKING:
    from xlm.bpe.vocabulary import Vocabulary

log = logging.getLogger(__name__)

COUNTED_FILE = "vocabulary.txt"
REPORT_FILE = "report.json"

_PUBLISHED = "published"
_CODES = "codes"

AnyVocabularySlice: TypeAlias = VocabularySlice | CheckpointVocabularySlice


def _slice(config: PipelineConfig, unit: str) -> AnyVocabularySlice:
    """The settings of the vocabulary and the file of the published counts."""
    own = config.vocabulary
    if source_of_subwords(config):
        return CheckpointVocabularySlice(
            source="checkpoint", new_tokens=own.new_tokens, min_count=own.min_count
        )
    official = config.bpe.source == "official"
    return VocabularySlice(
        source="official" if official else "rebuild",
        file=config.sources.official_vocabulary.file_name if official else None,
        size=own.size,
        min_count=own.min_count,
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    nodes = {name: Node("apply-bpe", name) for name in corpus_units(config)}
    nodes[_CODES] = Node("learn-bpe", ALL)
    if config.bpe.source == "official":
        nodes[_PUBLISHED] = Node("download", OFFICIAL_VOCABULARY_ID)
    return nodes


def run(context: StageContext[AnyVocabularySlice]) -> StageResult:
    """Write `vocabulary.txt` (all counts), `vocabulary.json` (the vocabulary), `report.json`."""
    from xlm.bpe.counting import language_report
    from xlm.bpe.vocabulary import write_vocabulary

    by_language = _count_languages(context)
    total: Counter[str] = Counter()
    for counts in by_language.values():
        total.update(counts)
    if isinstance(context.config, CheckpointVocabularySlice):
        vocabulary = _extended(context, context.config, total)
    else:
        vocabulary = _counted(context, context.config, total)
    write_vocabulary(vocabulary, context.out)
    report = language_report(by_language, vocabulary)
    text = json.dumps(report, indent=1, sort_keys=True) + "\n"
    (context.out / REPORT_FILE).write_text(text, encoding="utf-8", newline="\n")
    return StageResult(
        counts={
            "size": vocabulary.size,
            "types": len(total),
            "tokens": sum(int(row["tokens"]) for row in report.values()),
            "unknown": sum(int(row["unknown"]) for row in report.values()),
            **_unknown_percents(report, context.config),
            "hash": vocabulary.hash,
        }
    )


def _counted(
    context: StageContext[AnyVocabularySlice], config: VocabularySlice, total: Counter[str]
) -> "Vocabulary":
    """The vocabulary of the counted or published tokens."""
    from xlm.bpe.counting import write_counts
    from xlm.bpe.vocabulary import read_counted_vocabulary

    path = context.out / COUNTED_FILE
    if config.file is None:
        write_counts(total, path)
    else:
        path.write_bytes((context.inputs[_PUBLISHED] / config.file).read_bytes())
    counted = read_counted_vocabulary(path, size=config.size, min_count=config.min_count)
    return replace(counted, codes_hash=file_sha256(context.inputs[_CODES] / CODES_FILE))


def _extended(
    context: StageContext[AnyVocabularySlice],
    config: CheckpointVocabularySlice,
    total: Counter[str],
) -> "Vocabulary":
    """The vocabulary of the source, with new tokens after its own."""
    from xlm.bpe.counting import write_counts
    from xlm.bpe.vocabulary import extended_vocabulary, load_vocabulary

    write_counts(total, context.out / COUNTED_FILE)
    return extended_vocabulary(
        load_vocabulary(context.inputs[_CODES]),
        context.out / COUNTED_FILE,
        new_tokens=config.new_tokens,
        min_count=config.min_count,
    )


def _unknown_percents(
    report: Mapping[str, Mapping[str, int | float]], config: AnyVocabularySlice
) -> dict[str, float]:
    """Warn about languages with many unknown tokens, and return their percentages."""
    from xlm.bpe.counting import MAX_UNKNOWN_SHARE, unknown_tokens_warning

    setting = "new_tokens" if isinstance(config, CheckpointVocabularySlice) else "size"
    for language, row in report.items():
        unknown, tokens = int(row["unknown"]), int(row["tokens"])
        enlarge = f"raise vocabulary.{setting}"
        if warning := unknown_tokens_warning(language, unknown, tokens, enlarge=enlarge):
            log.warning("%s", warning)
    return {
        f"unknown_percent_{language}": round(100 * row["unknown_rate"], 1)
        for language, row in report.items()
        if row["unknown_rate"] > MAX_UNKNOWN_SHARE
    }


def _count_languages(context: StageContext[AnyVocabularySlice]) -> dict[str, Counter[str]]:
    """Count the subwords in the train splits of each language, including its sides of pairs."""
    files = train_files(
        {unit: path for unit, path in context.inputs.items() if unit not in (_PUBLISHED, _CODES)}
    )
    by_language: dict[str, Counter[str]] = {}
    counted = context.mapper.map(_count, [file.path for _, _, file in files])
    for (_, language, _), counts in zip(files, counted, strict=True):
        by_language.setdefault(language, Counter()).update(counts)
    return by_language


def _count(path: Path) -> Counter[str]:
    from xlm.bpe.counting import count_tokens

    return count_tokens(path)


VOCABULARY = Stage(
    name="vocabulary",
    version=2,
    summary="count subwords and give ids to the most frequent, or use published or a model's ids",
    units=single_unit,
    upstream=_upstream,
    slice=_slice,
    run=run,
)
