"""The format of a checkpoint's `state.json`, which older checkpoints share."""

import json
from typing import Any

import pytest
import torch

from tests.training.conftest import MakeJob
from tests.training.runs import make_trainer
from xlm.training.state import RunState, read_checkpoint, write_checkpoint


def test_state_json_holds_cursors_and_the_states_of_callbacks(make_job: MakeJob) -> None:
    job = make_job()
    trainer = make_trainer(job)
    for _ in range(3):
        trainer.loader.next_batch()
    saved = trainer.loader.state_dict()
    state = RunState(update=saved["update"], samplers=saved["samplers"])
    callbacks: dict[str, Any] = {
        **trainer.callbacks.state_dict(),
        "tracker": {"run": "a1"},
    }
    write_checkpoint(
        job.scratch,
        state,
        trainer.encoder,
        trainer.updater,
        settings=trainer._settings,
        files=trainer._files,
        callbacks=callbacks,
    )
    content = json.loads((job.scratch / "state.json").read_text())
    assert "samplers" not in content
    assert sorted(content["cursors"]) == sorted(task.name for task in trainer.loader.tasks)
    assert sorted(content["cursors"].values())[-1] == [0, 1]
    # The key of the spike guard, as older versions wrote it.
    assert content["guard"] == {"recent": [], "consecutive": 0, "spikes": 0, "skipped": 0}
    found, states = read_checkpoint(
        job.scratch, trainer.encoder, trainer.updater, trainer._settings, torch.device("cpu")
    )
    assert found == state
    assert found.loader == saved
    assert states == callbacks


def test_a_callback_cannot_replace_the_state_of_the_run(make_job: MakeJob) -> None:
    job = make_job()
    trainer = make_trainer(job)
    with pytest.raises(ValueError, match="callbacks have names of the run's state: tokens"):
        write_checkpoint(
            job.scratch,
            trainer.state,
            trainer.encoder,
            trainer.updater,
            settings=trainer._settings,
            files=trainer._files,
            callbacks={"tokens": {"count": 1}},
        )
