"""The trial before a long run."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from xlm.bpe.vocabulary import UNK
from xlm.errors import TrainingError
from xlm.shards.random_access.flat import FlatLines
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import PretrainJob
from xlm.training.monitoring.overfit import check_overfit, trial_batches
from xlm.training.trainer import Trainer

pytestmark = pytest.mark.slow

MakeJob = Callable[..., PretrainJob]
ALONE = ProcessGroup(0, 1, torch.device("cpu"))


def trial(**changes: object) -> dict[str, object]:
    return {"updates": 120, "target": 0.3, "rows": 4, **changes}


def files(job: PretrainJob) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(job.out.iterdir())}


def test_a_model_that_can_learn_passes_and_stays_as_it_was(make_job: MakeJob) -> None:
    trainer = Trainer(make_job(overfit_check=trial()), ALONE)
    encoder, loader = trainer._encoder, trainer._loader
    encoder.train()
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    state, random = loader.state_dict(), torch.get_rng_state()
    batches = trial_batches(loader, rows=4)
    trials = check_overfit(encoder, batches, trainer._config, trainer._updater.masker)
    assert set(trials) == {"mlm", "tlm"}
    for found in trials.values():
        assert found.last_loss < 0.3 * found.first_loss
        assert found.first_loss == pytest.approx(5, abs=1)  # ln of 134 ids
    assert loader.state_dict() == state
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(before[n], tensor) for n, tensor in encoder.state_dict().items())
    assert encoder.training
    assert encoder.dropout > 0
    assert all(parameter.grad is None for parameter in encoder.parameters())


def test_a_run_with_a_trial_ends_in_the_same_bytes(make_job: MakeJob) -> None:
    plain = make_job("plain")
    Trainer(plain, ALONE).run()
    tried = make_job("tried", overfit_check=trial())
    Trainer(tried, ALONE).run()
    assert files(tried) == files(plain)


@pytest.mark.parametrize("rate", [1e-7, 100.0])
def test_a_rate_that_learns_nothing_stops_the_run_in_one_line(
    make_job: MakeJob, rate: float
) -> None:
    job = make_job(overfit_check=trial(updates=40), optimizer={"learning_rate": rate})
    with pytest.raises(TrainingError, match="one fixed mlm batch was not learned in 40") as stop:
        Trainer(job, ALONE).run()
    assert "learning rate is too low or too high" in str(stop.value)
    assert "\n" not in str(stop.value)
    assert not (job.scratch / "checkpoints").exists()


def test_weights_that_gradients_do_not_reach_are_found(make_job: MakeJob) -> None:
    job = make_job(overfit_check=trial(updates=30, target=0.5))
    trainer = Trainer(job, ALONE)
    batch = trial_batches(trainer._loader, rows=4)["mlm"]
    for parameter in trainer._encoder.parameters():
        parameter.requires_grad_(False)
    trainer._encoder.pred_layer.proj.bias.requires_grad_(True)
    with pytest.raises(TrainingError, match="not learned"):
        check_overfit(trainer._encoder, {"mlm": batch}, trainer._config, trainer._updater.masker)


def test_a_resumed_run_tries_no_more(make_job: MakeJob) -> None:
    job = make_job(checkpoint_updates=5)
    Trainer(job, ALONE).run()
    again = job.model_copy(
        update={"pretrain": job.pretrain.model_copy(update={"overfit_check": _impossible(job)})}
    )
    Trainer(again, ALONE).run()
    fresh = make_job("fresh", overfit_check=trial(updates=1, target=1e-6))
    with pytest.raises(TrainingError, match="was not learned in 1"):
        Trainer(fresh, ALONE).run()
    assert "model.safetensors" in files(again)


def _impossible(job: PretrainJob) -> Any:
    return job.pretrain.overfit_check.model_copy(update={"updates": 1, "target": 1e-6})


def test_a_trial_takes_some_rows_of_each_objective_that_is_trained(make_job: MakeJob) -> None:
    both = trial_batches(Trainer(make_job("both"), ALONE)._loader, rows=3)
    assert {name: len(batch.tokens_BT) for name, batch in both.items()} == {"mlm": 3, "tlm": 3}
    assert both["tlm"].attention_mask_BT is not None
    one = trial_batches(Trainer(make_job("one", objectives=("tlm",)), ALONE)._loader, rows=3)
    assert set(one) == {"tlm"}


def test_a_trial_of_nothing_is_none(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vocabulary that is not the text's: each token is <unk>, and none may be asked for."""
    monkeypatch.setattr(
        FlatLines, "windows", lambda self, starts, width: np.full((len(starts), width), UNK)
    )
    job = make_job(overfit_check={"updates": 2}, objectives=("mlm",))
    with pytest.raises(TrainingError, match="nothing of the first mlm batch can be predicted"):
        Trainer(job, ALONE).run()


def test_every_process_knows_why_the_trial_failed(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProcessGroup, "any", lambda self, flag: flag)
    monkeypatch.setattr(ProcessGroup, "wait", lambda self: None)
    follower = ProcessGroup(rank=1, world_size=1, device=torch.device("cpu"))
    job = make_job(overfit_check={"updates": 2}, updates=2)
    with pytest.raises(TrainingError, match="was not learned in 2 updates"):
        Trainer(job, follower).run()
