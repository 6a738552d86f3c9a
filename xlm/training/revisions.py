"""Revisions: the weights of earlier updates, which the artifact keeps besides those of its model.

    if is_revision(update, config):
        save_revision(job.scratch, update, encoder)     # scratch/revisions/step-2000.safetensors
    publish_revisions(job, before=update)               # out/revisions/step-2000.safetensors
    kept_revisions(artifact)                            # {2000: "revisions/step-2000.safetensors"}

They need not be part of checkpoints: a resumed run writes those after its checkpoint again, with
the same bytes.
"""

import shutil
from pathlib import Path
from typing import Final

from xlm.config.training.pretrain import PretrainConfig
from xlm.config.training.release import REVISIONS_FOLDER, revision_name, revision_update
from xlm.model.encoder import Encoder
from xlm.model.formats.ours import save_encoder_weights
from xlm.store.disk.filesystem import rename_durably, sync_file
from xlm.training.launch.job import PretrainJob

_SUFFIX: Final = ".safetensors"


def is_revision(update: int, config: PretrainConfig) -> bool:
    """Whether the weights after `update` updates are kept."""
    return config.revision_updates is not None and update % config.revision_updates == 0


def save_revision(scratch: Path, update: int, encoder: Encoder) -> None:
    """Write the current weights; the file is complete or absent, also after a power failure.

    Those of the last update are written too, because a run can be made longer.
    """
    directory = scratch / REVISIONS_FOLDER
    directory.mkdir(exist_ok=True)
    temporary = directory / "unfinished"
    save_encoder_weights(temporary, encoder)
    sync_file(temporary)
    rename_durably(temporary, directory / _file_name(update))


def publish_revisions(job: PretrainJob, *, before: int) -> None:
    """Copy the weights of the updates before the last one to the artifact.

    A copy, so that a run that is killed here can publish again.
    """
    every = job.pretrain.revision_updates
    if every is None:
        return
    target = job.out / REVISIONS_FOLDER
    for update in range(every, before, every):
        target.mkdir(exist_ok=True)
        name = _file_name(update)
        shutil.copyfile(job.scratch / REVISIONS_FOLDER / name, target / name)


def kept_revisions(artifact: Path) -> dict[int, str]:
    """The weight files of earlier updates in a pretrain artifact, by update, in their order."""
    paths = {
        revision_update(path.stem): f"{REVISIONS_FOLDER}/{path.name}"
        for path in (artifact / REVISIONS_FOLDER).glob(f"*{_SUFFIX}")
    }
    return {update: paths[update] for update in sorted(one for one in paths if one is not None)}


def _file_name(update: int) -> str:
    return f"{revision_name(update)}{_SUFFIX}"
