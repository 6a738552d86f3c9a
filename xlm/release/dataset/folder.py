"""Writes the shards of a run as a folder that other programs read as a data set.

    shards = stored_shards({"sw": shards_of_sw, "en-sw": shards_of_pairs})
    write_dataset(Path("mini15-data"), facts, shards, others=[codes], published="2026-11-28")

README.md           data card, with metadata that `datasets.load_dataset` reads
croissant.json      Croissant metadata
vocabulary.json     the words of the ids
codes               BPE merges
UNIT/SPLIT.NNNNN.parquet
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from xlm.config.data.tasks import SPLITS
from xlm.errors import ConfigError, StoreError
from xlm.release.card.licences import combined_terms
from xlm.release.dataset.croissant import CROISSANT_NAME, ShardFile, croissant
from xlm.release.dataset.data_card import render_data_card
from xlm.release.dataset.facts import DatasetFacts
from xlm.shards.footers import read_footer, shard_number
from xlm.store.disk.filesystem import sync_directory, sync_tree
from xlm.store.disk.hashing import file_sha256
from xlm.store.manifest import read_manifest

_CARD_NAME = "README.md"
WRITTEN_NAMES = frozenset({_CARD_NAME, CROISSANT_NAME})
"""Files that are not copied from an artifact."""
_FILE_MODE = 0o755


@dataclass(frozen=True)
class StoredShard:
    """A shard of the store, and what the folder says about it."""

    source: Path
    file: ShardFile


def stored_shards(units: Mapping[str, Path]) -> list[StoredShard]:
    """List the shards of all units, in the order of their numbers.

    Args:
        units: artifact directories of the shards, by language, pair or language of the task.

    Raises:
        StoreError: an artifact has no readable manifest.
        DataError: the first shard of an artifact is damaged.
    """
    found = []
    for unit, directory in units.items():
        records = [r for r in read_manifest(directory).files if r.path.endswith(".parquet")]
        records.sort(key=lambda record: _order(Path(record.path)))
        kind: Any = read_footer(directory / records[0].path).metadata["kind"] if records else ""
        found += [
            StoredShard(
                directory / record.path,
                ShardFile(
                    unit=unit,
                    split=record.path.split(".")[0],
                    kind=kind,
                    path=f"{unit}/{record.path}",
                    size_bytes=record.size_bytes,
                    sha256=record.sha256,
                ),
            )
            for record in records
        ]
    return found


def _order(path: Path) -> tuple[int, tuple[int, str]]:
    """Sort shards by split, then by number."""
    return SPLITS.index(path.name.split(".")[0]), shard_number(path)


def write_dataset(
    out: Path,
    facts: DatasetFacts,
    shards: Sequence[StoredShard],
    *,
    others: Sequence[Path],
    published: str,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> None:
    """Copy the shards and write cards and metadata; the folder appears completely or not at all.

    Args:
        out: the folder to write; it must not exist.
        facts: what the cards say.
        shards: the files to copy.
        others: further files to copy, each from the directory of its artifact.
        published: the day of the shards, YYYY-MM-DD.
        on_bytes: is called with the bytes that were copied.

    Raises:
        ConfigError: the folder exists.
        StoreError: a file differs from its manifest.
    """
    if out.exists() or out.is_symlink():
        raise ConfigError(f"{out} already exists", fix="name another folder, or remove it")
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
        folder = Path(temporary) / out.name
        folder.mkdir(mode=_FILE_MODE)
        for shard in shards:
            _copy(shard.source, shard.file.sha256, folder / shard.file.path, "shard")
            on_bytes(shard.file.size_bytes)
        for source in others:
            manifest = read_manifest(source.parent)
            digests = {record.path: record.sha256 for record in manifest.files}
            _copy(source, digests.get(source.name), folder / source.name, manifest.stage)
        metadata = croissant(facts, [shard.file for shard in shards], published=published)
        text = json.dumps(metadata, indent=1, ensure_ascii=False) + "\n"
        (folder / CROISSANT_NAME).write_bytes(text.encode())
        card = f"---\n{_front_matter(facts, shards)}---\n\n{render_data_card(facts)}"
        (folder / _CARD_NAME).write_bytes(card.encode())
        sync_tree(folder)
        folder.rename(out)
    sync_directory(out.parent)


def _copy(source: Path, sha256: str | None, target: Path, stage: str) -> None:
    """Copy a file of an artifact of `stage`, and compare the copy with its recorded digest."""
    target.parent.mkdir(exist_ok=True)
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        sha256 = None
    if sha256 is None or file_sha256(target) != sha256:
        raise StoreError(
            f"{source} differs from its manifest",
            fix=f"rebuild it with `xlm run --verify deep --until {stage}`",
        )


def _front_matter(facts: DatasetFacts, shards: Sequence[StoredShard]) -> str:
    """The metadata of the Hub: one configuration for each part, with its splits.

    `datasets` refuses a configuration with an empty split, so those are left out.
    """
    empty = {
        (unit.unit, split)
        for unit in facts.units
        for split, counts in unit.splits.items()
        if not counts.lines
    }
    splits: dict[str, dict[str, None]] = {}
    for shard in shards:
        if (shard.file.unit, shard.file.split) not in empty:
            splits.setdefault(shard.file.unit, {})[shard.file.split] = None
    terms = combined_terms(facts.release.licence, (one.licence for one in facts.sources))
    parts = (unit.rpartition(".")[2] for unit in splits)
    content = {
        "pretty_name": f"{facts.release.name}, training data",
        "license": terms.identifier,
        "language": sorted({code for part in parts for code in part.split("-")}),
        "tags": ["xlm", "token-ids", *(["synthetic-data"] if facts.synthetic else [])],
        "configs": [
            {
                "config_name": unit,
                "data_files": [
                    {"split": split, "path": f"{unit}/{split}.*.parquet"} for split in found
                ],
            }
            for unit, found in splits.items()
        ],
    }
    if terms.identifier == "other":
        content |= {
            "license_name": "terms-of-the-sources",
            "license_link": "#licences-and-citations",
        }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
