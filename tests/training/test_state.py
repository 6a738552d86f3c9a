"""The format of a checkpoint's `state.json`, which older checkpoints share."""

import json

import torch

from tests.training.conftest import MakeJob
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.state import RunState, read_checkpoint, write_checkpoint
from xlm.training.trainer import Trainer


def test_samplers_are_stored_as_cursors_of_epoch_and_items(make_job: MakeJob) -> None:
    job = make_job()
    trainer = Trainer(job, ProcessGroup(0, 1, torch.device("cpu")))
    for _ in range(3):
        trainer._loader.next_batch()
    saved = trainer._loader.state_dict()
    state = RunState(update=saved["update"], samplers=saved["samplers"])
    parts = trainer._encoder, trainer._updater, trainer._settings
    write_checkpoint(job.scratch, state, *parts, trainer._files)
    content = json.loads((job.scratch / "state.json").read_text())
    assert "samplers" not in content
    assert sorted(content["cursors"]) == sorted(task.name for task in trainer._loader.tasks)
    assert sorted(content["cursors"].values())[-1] == [0, 1]
    found = read_checkpoint(job.scratch, *parts, torch.device("cpu"))
    assert found == state
    assert found.loader == saved
