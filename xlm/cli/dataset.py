"""`xlm dataset`: write the shards of a run as a folder with a data card and Croissant metadata."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from xlm.bpe.vocabulary import VOCABULARY_FILE, load_vocabulary
from xlm.cli.output import counted, show
from xlm.cli.sources.transfer_progress import TransferProgress
from xlm.config.environment import MachineSettings
from xlm.config.pipeline import source_of_encoder
from xlm.display.markdown import format_size
from xlm.engine.plan import PlannedNode
from xlm.engine.stage import ALL
from xlm.errors import StoreError
from xlm.pipeline.dag import plan_request
from xlm.pipeline.latest import dated
from xlm.pipeline.request import RunRequest
from xlm.release.dataset.folder import stored_shards, write_dataset
from xlm.release.dataset.read import newest_day, read_dataset_facts
from xlm.release.read_facts import CODES_NAME
from xlm.stages.model.publish import PUBLISH
from xlm.stages.text.shard import SHARD
from xlm.store.disk.root import require_outside
from xlm.store.store import ArtifactStore

_CARDS_ONLY = ("download", "clean")
"""Stages of which only manifests are read, so that pruned artifacts are enough."""


def write_shards(request: RunRequest, out: Path, root: str | None) -> None:
    """Copy the shards of a run to a folder, and print what was written.

    Raises:
        ConfigError: the folder exists or is in the store, or the profile is invalid.
        StoreError: shards are not in the store, or are damaged.
    """
    settings = MachineSettings.from_environment(root)
    store = ArtifactStore.open(settings.root, write=False)
    require_outside(store.root, out, "OUT")
    request = dated(request, settings.root, record=False).building(SHARD.name)
    config = request.resolve()
    nodes = plan_request(request, store)
    command = request.command(store.root)
    found = {stage: _directories(stage, nodes, store, command) for stage in _stages(nodes)}
    shards = stored_shards(found[SHARD.name])
    vocabulary = found["vocabulary"][ALL]
    facts = read_dataset_facts(
        PUBLISH.slice(config, ALL),
        sources=found.get("download", {}),
        units=found[SHARD.name],
        cleaned=found.get("clean", {}),
        objectives=() if source_of_encoder(config) else config.pretrain.objectives,
        alpha=config.pretrain.language_alpha,
        vocabulary=load_vocabulary(vocabulary),
    )
    total = sum(shard.file.size_bytes for shard in shards)
    progress, done = TransferProgress(), 0

    def copied(count: int) -> None:
        nonlocal done
        done += count
        progress.update(done, total, "bytes")

    try:
        write_dataset(
            out,
            replace(facts, rebuild=request.published_command()),
            shards,
            others=[vocabulary / VOCABULARY_FILE, found["learn-bpe"][ALL] / CODES_NAME],
            published=newest_day(found[SHARD.name].values()),
            on_bytes=copied,
        )
    finally:
        progress.end()
    parts = counted(len(found[SHARD.name]), "part")
    show(f"{out}: {parts}, {counted(len(shards), 'shard')}, {format_size(total)}")


def _stages(nodes: Sequence[PlannedNode]) -> set[str]:
    needed = {*_CARDS_ONLY, "vocabulary", "learn-bpe", SHARD.name}
    return needed & {planned.node.stage for planned in nodes}


def _directories(
    stage: str, nodes: Sequence[PlannedNode], store: ArtifactStore, command: str
) -> dict[str, Path]:
    """The artifacts of a stage by unit."""
    allowed = ("cached", "pruned") if stage in _CARDS_ONLY else ("cached",)
    found = {}
    for planned in nodes:
        if planned.node.stage != stage:
            continue
        if planned.key is None or planned.status not in allowed:
            raise StoreError(
                f"{planned.node} is not in the store {store.root}", fix=f"build it with `{command}`"
            )
        found[planned.node.unit] = store.directory(stage, planned.key)
    return found
