"""Reads the facts of a data card from the manifests of downloads, clean text and shards."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from xlm.bpe.vocabulary import Vocabulary
from xlm.config.training.release import PublishSlice
from xlm.release.card.facts import OWN_ROWS, SourceFacts
from xlm.release.dataset.facts import DatasetFacts, read_units
from xlm.release.read_facts import local_sources, read_cleaning, read_sources, run_record
from xlm.store.manifest import MANIFEST_NAME


def read_dataset_facts(
    config: PublishSlice,
    *,
    sources: Mapping[str, Path],
    units: Mapping[str, Path],
    cleaned: Mapping[str, Path],
    objectives: tuple[str, ...],
    alpha: float,
    vocabulary: Vocabulary,
) -> DatasetFacts:
    """Collect the facts that the data card and the Croissant metadata show.

    Args:
        config: the settings of stage publish.
        sources: artifact directories of the downloads, by unit.
        units: artifact directories of the shards, by language, pair or language of the task.
        cleaned: artifact directories of stage clean, by language or pair.
        objectives: objectives of pretraining; empty if the encoder is that of another model.
        alpha: exponent of the language sampling.
        vocabulary: the vocabulary of the shards.

    Raises:
        StoreError: an artifact has no readable manifest.
        DataError: a `run.json` is damaged.
    """
    downloads = (
        facts
        for unit, directory in sources.items()
        for facts in read_sources(unit, directory, config.citations.get(unit, ""))
    )
    rows = []
    if config.task and config.task.kind == "files":
        rows.append(SourceFacts(OWN_ROWS, "labelled files", "", config.task.licence, None))
    return DatasetFacts(
        release=config.release,
        synthetic=config.synthetic,
        sources=(*downloads, *local_sources(config.own_sources), *rows),
        units=read_units(units),
        objectives=objectives,
        alpha=alpha,
        vocabulary_size=vocabulary.size,
        vocabulary_hash=vocabulary.hash,
        cleaning=tuple(read_cleaning(unit, path) for unit, path in cleaned.items()),
        names=config.names,
        segmenters=config.segmenters,
        cased=config.cased,
    )


def newest_day(directories: Iterable[Path]) -> str:
    """The newest day in UTC, YYYY-MM-DD, on which one of the artifacts was built.

    Where `run.json` has no valid time, that of the manifest counts.

    Raises:
        DataError: a `run.json` is damaged.
    """
    return max(map(_built, directories)).date().isoformat()


def _built(directory: Path) -> datetime:
    try:
        return datetime.fromisoformat(str(run_record(directory).get("finished"))).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp((directory / MANIFEST_NAME).stat().st_mtime, UTC)
