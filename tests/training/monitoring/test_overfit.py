"""The overfit check before a long run."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.runs import files, make_trainer
from xlm.bpe.vocabulary import UNK
from xlm.errors import TrainingError
from xlm.shards.random_access.flat_copy import FlatLines
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import PretrainJob
from xlm.training.monitoring.overfit import check_overfit, fixed_batches
from xlm.training.shard_checks import hash_shards

pytestmark = pytest.mark.slow

MakeJob = Callable[..., PretrainJob]


def check(**changes: object) -> dict[str, object]:
    return {"updates": 120, "target": 0.3, "rows": 4, **changes}


def test_a_model_that_can_learn_passes_and_does_not_change(make_job: MakeJob) -> None:
    trainer = make_trainer(make_job(overfit_check=check()))
    encoder, loader = trainer.encoder, trainer.loader
    encoder.train()
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    state, random = loader.state_dict(), torch.get_rng_state()
    batches = fixed_batches(loader, rows=4)
    results = check_overfit(encoder, batches, trainer.config, trainer.updater.masker)
    assert set(results) == {"mlm", "tlm"}
    for found in results.values():
        assert found.last_loss < 0.3 * found.first_loss
        assert found.first_loss == pytest.approx(5, abs=1)  # ln of 134 ids
    assert loader.state_dict() == state
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(before[n], tensor) for n, tensor in encoder.state_dict().items())
    assert encoder.training
    assert encoder.dropout > 0
    assert all(parameter.grad is None for parameter in encoder.parameters())


def test_a_run_with_a_check_ends_in_the_same_bytes(make_job: MakeJob) -> None:
    plain = make_job("plain")
    make_trainer(plain).run()
    checked = make_job("checked", overfit_check=check())
    make_trainer(checked).run()
    assert files(checked.out) == files(plain.out)


@pytest.mark.parametrize("rate", [1e-7, 100.0])
def test_a_rate_that_does_not_learn_stops_the_run(make_job: MakeJob, rate: float) -> None:
    job = make_job(overfit_check=check(updates=40), optimizer={"learning_rate": rate})
    with pytest.raises(TrainingError, match="one fixed mlm batch was not memorized in 40") as stop:
        make_trainer(job).run()
    assert "learning rate is too low or too high" in str(stop.value)
    assert "\n" not in str(stop.value)
    assert not (job.scratch / "checkpoints").exists()


def test_weights_that_gradients_do_not_reach_are_found(make_job: MakeJob) -> None:
    job = make_job(overfit_check=check(updates=30, target=0.5))
    trainer = make_trainer(job)
    batch = fixed_batches(trainer.loader, rows=4)["mlm"]
    for parameter in trainer.encoder.parameters():
        parameter.requires_grad_(False)
    trainer.encoder.pred_layer.proj.bias.requires_grad_(True)
    with pytest.raises(TrainingError, match="not memorized"):
        check_overfit(trainer.encoder, {"mlm": batch}, trainer.config, trainer.updater.masker)


def test_a_resumed_run_is_not_checked(make_job: MakeJob) -> None:
    job = make_job(checkpoint_updates=5)
    make_trainer(job).run()
    again = job.model_copy(
        update={"pretrain": job.pretrain.model_copy(update={"overfit_check": _impossible(job)})}
    )
    make_trainer(again).run()
    fresh = make_job("fresh", overfit_check=check(updates=1, target=1e-6))
    with pytest.raises(TrainingError, match="was not memorized in 1"):
        make_trainer(fresh).run()
    assert "model.safetensors" in files(again.out)


def _impossible(job: PretrainJob) -> Any:
    return job.pretrain.overfit_check.model_copy(update={"updates": 1, "target": 1e-6})


def test_a_check_takes_some_rows_of_each_objective(make_job: MakeJob) -> None:
    both = fixed_batches(make_trainer(make_job("both")).loader, rows=3)
    assert {name: len(batch.tokens_BT) for name, batch in both.items()} == {"mlm": 3, "tlm": 3}
    assert both["tlm"].attention_mask_BT is not None
    one = fixed_batches(make_trainer(make_job("one", objectives=("tlm",))).loader, rows=3)
    assert set(one) == {"tlm"}


def test_a_batch_without_targets_is_refused(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vocabulary does not fit the text: every token is <unk>, which is never predicted."""
    monkeypatch.setattr(
        FlatLines, "windows", lambda self, starts, width: np.full((len(starts), width), UNK)
    )
    job = make_job(overfit_check={"updates": 2}, objectives=("mlm",))
    with pytest.raises(TrainingError, match="the first mlm batch has no tokens to predict"):
        make_trainer(job).run()


def test_every_process_knows_why_the_check_failed(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProcessGroup, "any", lambda self, flag: flag)
    monkeypatch.setattr(ProcessGroup, "barrier", lambda self: None)
    leader, follower = (ProcessGroup(rank, 1, torch.device("cpu")) for rank in range(2))
    monkeypatch.setattr(
        "xlm.training.trainer.hash_shards", lambda folders, _: hash_shards(folders, leader)
    )
    job = make_job(overfit_check={"updates": 2}, updates=2)
    with pytest.raises(TrainingError, match="was not memorized in 2 updates"):
        make_trainer(job, group=follower).run()
