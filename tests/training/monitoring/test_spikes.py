"""The guard against spikes: the rule alone, then runs that go wrong."""

import json
import logging
import math
import random
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.training.runs import BrokenAt18, callback_named, make_trainer
from xlm.config.training.guards import GuardConfig
from xlm.errors import TrainingError
from xlm.training.launch.job import PretrainJob
from xlm.training.monitoring.spikes import SpikeGuard, SpikeMonitor, SpikeState, spike_threshold
from xlm.training.trainer import Trainer
from xlm.training.update import PendingUpdate

MakeJob = Callable[..., PretrainJob]
SPIKE_AT = 15


def norms(count: int, *, deviation: float = 0.3, seed: int = 0) -> list[float]:
    chance = random.Random(seed)
    return [math.exp(chance.gauss(0, deviation)) for _ in range(count)]


def monitor(state: SpikeState | None = None, **changes: object) -> SpikeMonitor:
    return SpikeMonitor(GuardConfig.model_validate(changes), state or SpikeState())


def test_the_threshold_is_mean_plus_deviations_of_log_norms() -> None:
    recent = [math.log(norm) for norm in (1.0, 4.0)] * 64
    assert math.exp(spike_threshold(recent, sigmas=3)) == pytest.approx(2 * 2**3)
    # Equal norms still allow a factor of exp(0.6).
    assert math.exp(spike_threshold([0.0] * 128, sigmas=6)) == pytest.approx(math.exp(0.6))


def test_an_outlier_is_a_spike_and_usual_norms_are_not() -> None:
    spikes = monitor()
    assert not any(spikes.is_spike(norm) for norm in norms(3000))
    assert spikes.is_spike(60.0)
    assert not spikes.is_spike(1.0)
    assert (spikes.state.spikes, spikes.state.consecutive) == (1, 0)
    # The outlier did not hide the next one.
    assert spikes.is_spike(60.0)


def test_there_are_no_spikes_before_the_window_is_full() -> None:
    spikes = monitor(window=32)
    assert not any(spikes.is_spike(10.0**power) for power in range(-16, 15))
    assert spikes.threshold() is None
    spikes.is_spike(1.0)
    assert spikes.threshold() is not None


def test_a_lasting_change_becomes_normal() -> None:
    """A model may change to larger gradients for good, which must not stop a run of weeks."""
    spikes = monitor()
    for norm in norms(200):
        spikes.is_spike(norm)
    found = [spikes.is_spike(30 * norm) for norm in norms(300, seed=1)]
    assert found[0]
    assert not any(found[16:])
    assert spikes.state.consecutive == 0


def test_endless_growth_is_too_many_spikes() -> None:
    spikes = monitor()
    for norm in norms(200, deviation=0.1):
        spikes.is_spike(norm)
    verdicts = []
    for update in range(40):
        spikes.is_spike(math.exp(update))
        verdicts.append(spikes.is_too_many())
    assert any(verdicts)
    assert verdicts.index(True) >= 16


def test_a_skipped_norm_does_not_enter_the_window() -> None:
    spikes = monitor(spike="skip", window=16)
    for norm in norms(16):
        spikes.is_spike(norm)
    before = list(spikes.state.recent)
    assert spikes.is_spike(math.inf)
    assert spikes.is_spike(1e6)
    assert spikes.state.recent == before
    assert (spikes.state.skipped, spikes.state.consecutive) == (2, 2)


def test_decisions_are_the_same_after_a_resume() -> None:
    sequence = [*norms(150), *(5 * norm for norm in norms(150, seed=2))]
    straight = monitor()
    expected = [straight.is_spike(norm) for norm in sequence]
    first = monitor()
    found = [first.is_spike(norm) for norm in sequence[:170]]
    restored = SpikeState(**json.loads(json.dumps(asdict(first.state))))
    found += [monitor(restored).is_spike(norm) for norm in sequence[170:171]]
    second = monitor(restored)
    found += [second.is_spike(norm) for norm in sequence[171:]]
    assert found == expected
    assert second.state == straight.state


def test_a_norm_of_zero_is_no_spike_and_has_no_logarithm() -> None:
    spikes = monitor(window=8)
    assert not any(spikes.is_spike(0.0) for _ in range(20))
    assert spikes.state.recent == []


class Louder(nn.Module):
    """Wraps the loss module, and multiplies the losses of some updates."""

    def __init__(self, trainer: Trainer, module: nn.Module, factors: dict[int, float]) -> None:
        super().__init__()
        self._read_update = lambda: trainer.state.update
        self.module = module
        self._factors = factors

    def forward(self, *tensors: Any) -> Tensor:
        losses: Tensor = self.module(*tensors)
        return losses * self._factors.get(self._read_update(), 1.0)


def louder_trainer(
    job: PretrainJob, factors: dict[int, float], kind: type[Trainer] = Trainer
) -> Trainer:
    trainer = make_trainer(job, kind=kind)
    trainer.updater._module = Louder(trainer, trainer.updater._module, factors)
    return trainer


def spike_state(trainer: Trainer) -> SpikeState:
    state: SpikeState = callback_named(trainer, "guard")._monitor.state
    return state


def guard(**changes: object) -> dict[str, object]:
    return {"window": 8, "sigmas": 6, **changes}


def reports(job: PretrainJob) -> dict[str, dict[str, Any]]:
    return {
        path.parent.name: json.loads(path.read_text())
        for path in sorted((job.logs / "divergence-0").glob("*/report.json"))
    }


def test_a_spike_is_recorded_with_the_updates_before_it(make_job: MakeJob) -> None:
    job = make_job(guard=guard())
    trainer = louder_trainer(job, {SPIKE_AT: 1000.0})
    trainer.run()
    ((name, report),) = reports(job).items()
    assert name == "update-000000015-spike"
    assert report["gradient_norm"] > report["threshold"] > 0
    assert [one["update"] for one in report["recent"]] == list(range(SPIKE_AT + 1))
    assert report["recent"][-1]["loss"] > 100 * report["recent"][-2]["loss"]
    assert report["config"]["guard"]["window"] == 8
    assert report["steps"][0].startswith(("mlm.", "tlm."))
    # The norms by parameter are from before clipping: together they give the total norm.
    parts = [norm for name, norm in report["gradient_norms"].items()]
    assert math.hypot(*parts) == pytest.approx(report["gradient_norm"], rel=1e-3)
    assert report["weight_norms"].keys() == report["gradient_norms"].keys()
    batch = np.load(job.logs / "divergence-0" / name / "batch.npz")
    assert len(batch["cells_N"]) == len(batch["targets_N"]) > 0
    assert len(batch["step_B"]) == len(batch["tokens_BT"])
    assert spike_state(trainer).spikes == 1
    assert spike_state(trainer).skipped == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factor", "settings"),
    [
        (1000.0, {}),
        (math.inf, {}),
        (math.nan, {}),
        (1000.0, {"micro_batch_tokens": 40, "masking": "rows"}),
        (1000.0, {"precision": "bf16"}),
    ],
)
def test_a_skipped_update_changes_nothing_but_counters(
    make_job: MakeJob, factor: float, settings: dict[str, object]
) -> None:
    class Watching(Trainer):
        unchanged: bool | None = None

        def _update(self, batch: Any) -> float:
            before = self._weights_and_moments()
            rate = super()._update(batch)
            if self.state.update == SPIKE_AT:
                after = self._weights_and_moments()
                Watching.unchanged = all(map(torch.equal, before, after))
            return rate

        def _weights_and_moments(self) -> list[Tensor]:
            states = self.updater.optimizer.adam.state.values()
            moments = [value for state in states for value in state.values()]
            return [t.clone() for t in [*self.encoder.state_dict().values(), *moments]]

    job = make_job(guard=guard(spike="skip"), **settings)
    trainer = louder_trainer(job, {SPIKE_AT: factor}, Watching)
    trainer.run()
    assert Watching.unchanged
    assert trainer.state.update == 20
    assert spike_state(trainer).skipped == 1
    lines = [json.loads(line) for line in (job.out / "metrics.jsonl").read_text().splitlines()]
    assert [line.get("skipped") for line in lines] == [None, None, None, 1]
    assert all(math.isfinite(line["gradient_norm"]) for line in lines)
    assert all(math.isfinite(loss) for line in lines for loss in line["loss"].values())


@pytest.mark.slow
def test_the_fp16_scaler_continues_after_a_skipped_update(make_job: MakeJob) -> None:
    """A loss a hundred times as large as usual, but within the range of fp16."""
    job = make_job(precision="fp16", guard=guard(spike="skip"))
    trainer = louder_trainer(job, {SPIKE_AT: 100.0})
    trainer.updater.scaler = torch.amp.GradScaler("cpu", init_scale=16.0)
    trainer.run()
    assert spike_state(trainer).skipped == 1
    assert trainer.state.overflows == 0
    assert trainer.state.update == 20


def test_diagnostics_of_device_masks_hold_their_counts_and_key(make_job: MakeJob) -> None:
    job = make_job(guard=guard(), masking="rows")
    louder_trainer(job, {SPIKE_AT: 1000.0}).run()
    ((name, _),) = reports(job).items()
    batch = np.load(job.logs / "divergence-0" / name / "batch.npz")
    assert len(batch["count_B"]) == len(batch["rows_B"]) == len(batch["tokens_BT"])
    assert batch["key"].shape == ()


def test_a_record_of_skipped_updates_has_no_norm(make_job: MakeJob) -> None:
    job = make_job(guard=guard(spike="skip"))
    louder_trainer(job, dict.fromkeys(range(15, 20), 1e4)).run()
    last = json.loads((job.out / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["skipped"] == 5
    assert "gradient_norm" not in last
    assert last["loss"] == {}


@pytest.mark.slow
def test_a_resumed_run_skips_the_same_updates(make_job: MakeJob) -> None:
    factors = {12: 1000.0, 17: 1000.0}
    settings: dict[str, object] = {"guard": guard(spike="skip"), "checkpoint_updates": 7}
    straight = louder_trainer(make_job("straight", **settings), factors)
    straight.run()
    job = make_job("again", **settings)

    with pytest.raises(KeyboardInterrupt):
        louder_trainer(job, factors, BrokenAt18).run()
    resumed = louder_trainer(job, factors)
    resumed.run()
    assert spike_state(resumed) == spike_state(straight)
    assert spike_state(straight).skipped == 2
    for path in sorted(straight.job.out.iterdir()):
        assert (job.out / path.name).read_bytes() == path.read_bytes()


def exploding(job: PretrainJob) -> Trainer:
    """A trainer with a learning rate of 100 from update 12 on."""
    trainer = make_trainer(job)
    rates = tuple(
        lambda update, rate=rate: rate(update) if update < 12 else 100.0
        for rate in trainer.updater.optimizer.rates
    )
    trainer.updater.optimizer = replace(trainer.updater.optimizer, rates=rates)
    return trainer


@pytest.mark.slow
def test_an_exploding_learning_rate_stops_at_the_first_spike(make_job: MakeJob) -> None:
    job = make_job(guard=guard(spike="stop"), figures=True)
    with pytest.raises(TrainingError, match=r"gradient norm \S+ at update 13 .* is above") as stop:
        exploding(job).run()
    assert str(stop.value).count("\n") == 0
    assert "divergence-0/update-000000013-spike" in str(stop.value)
    assert list(reports(job)) == ["update-000000013-spike"]
    assert not (job.out / "model.safetensors").exists()
    assert "| loss, MLM | 10 |" in (job.logs / "curves.md").read_text()


def test_too_many_spikes_stop_any_run(make_job: MakeJob) -> None:
    job = make_job(guard=guard(spike="skip", max_consecutive=3))
    with pytest.raises(TrainingError, match="4 consecutive spikes of the gradient norm"):
        louder_trainer(job, dict.fromkeys(range(12, 20), 1e4)).run()
    # The first of the consecutive spikes, and the last.
    assert list(reports(job)) == ["update-000000012-spike", "update-000000015-spike"]


def test_a_loss_that_is_not_finite_stops_unless_it_may_be_skipped(make_job: MakeJob) -> None:
    job = make_job("stops")
    with pytest.raises(TrainingError, match="not finite at update 3"):
        louder_trainer(job, {3: math.nan}).run()
    (report,) = reports(job).values()
    assert report["not_finite_weights"] == []
    assert set(report["not_finite_gradients"]) >= {"embeddings.weight"}
    louder_trainer(make_job("skips", guard={"spike": "skip"}), {3: math.nan}).run()


def test_diagnostics_that_cannot_be_written_do_not_stop_a_run(
    make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    job = make_job(guard=guard())
    (job.logs / "divergence-0").write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        louder_trainer(job, {SPIKE_AT: 1000.0}).run()
    (warning,) = [r.getMessage() for r in caplog.records if "gradient norm" in r.getMessage()]
    assert warning.endswith("diagnostics cannot be written: Not a directory")
    assert (job.out / "model.safetensors").exists()


def test_only_the_newest_diagnostics_are_kept(make_job: MakeJob) -> None:
    job = make_job(guard={"window": 8, "diagnostics": 2})
    trainer = make_trainer(job)
    check = SpikeGuard(job.pretrain.guard, clip_norm=5.0)
    check.load_state_dict(asdict(SpikeState(recent=[0.0] * 8)))
    check.on_run_start(trainer)
    batch = trainer.loader.next_batch()
    for number, norm in enumerate([9.0, 1.0, 90.0, 1.0, 900.0, 900.0]):
        assert check.admits(PendingUpdate(number, batch, 0.1, norm, torch.tensor(float(number))))
    assert list(reports(job)) == ["update-000000002-spike", "update-000000004-spike"]
