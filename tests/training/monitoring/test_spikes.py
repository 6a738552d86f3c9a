"""Guards of the gradient norm: the rule alone, then on real runs that go wrong."""

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

from tests.training.runs import BrokenAt18
from xlm.config.training.guards import GuardConfig
from xlm.errors import TrainingError
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import PretrainJob
from xlm.training.monitoring.diagnostics import Diagnostics
from xlm.training.monitoring.spikes import GuardState, SpikeGuard, SpikeMonitor, spike_threshold
from xlm.training.trainer import Trainer

MakeJob = Callable[..., PretrainJob]
ALONE = ProcessGroup(0, 1, torch.device("cpu"))
SPIKE_AT = 15


def norms(count: int, *, deviation: float = 0.3, seed: int = 0) -> list[float]:
    chance = random.Random(seed)
    return [math.exp(chance.gauss(0, deviation)) for _ in range(count)]


def monitor(state: GuardState | None = None, **changes: object) -> SpikeMonitor:
    return SpikeMonitor(GuardConfig.model_validate(changes), state or GuardState())


def test_the_threshold_is_mean_and_deviations_of_the_logarithms() -> None:
    recent = [math.log(norm) for norm in (1.0, 4.0)] * 64
    assert math.exp(spike_threshold(recent, sigmas=3)) == pytest.approx(2 * 2**3)
    # Norms that are all alike still may differ by a factor of exp(0.6).
    assert math.exp(spike_threshold([0.0] * 128, sigmas=6)) == pytest.approx(math.exp(0.6))


def test_usual_norms_are_no_spikes_and_one_outlier_is() -> None:
    watch = monitor()
    assert not any(watch.is_spike(norm) for norm in norms(3000))
    assert watch.is_spike(60.0)
    assert not watch.is_spike(1.0)
    assert (watch.state.spikes, watch.state.consecutive) == (1, 0)
    # The outlier did not hide the next one.
    assert watch.is_spike(60.0)


def test_nothing_is_a_spike_before_the_window_is_full() -> None:
    watch = monitor(window=32)
    assert not any(watch.is_spike(10.0**power) for power in range(-16, 15))
    assert watch.threshold() is None
    watch.is_spike(1.0)
    assert watch.threshold() is not None


def test_a_lasting_change_becomes_the_new_measure() -> None:
    """A model may go over to larger gradients for good: that must not end a run of weeks."""
    watch = monitor()
    for norm in norms(200):
        watch.is_spike(norm)
    found = [watch.is_spike(30 * norm) for norm in norms(300, seed=1)]
    assert found[0]
    assert not any(found[16:])
    assert watch.state.consecutive == 0


def test_growth_without_end_is_too_much() -> None:
    watch = monitor()
    for norm in norms(200, deviation=0.1):
        watch.is_spike(norm)
    verdicts = []
    for update in range(40):
        watch.is_spike(math.exp(update))
        verdicts.append(watch.is_too_much())
    assert any(verdicts)
    assert verdicts.index(True) >= 16


def test_what_is_left_out_does_not_count_as_seen() -> None:
    watch = monitor(spike="skip", window=16)
    for norm in norms(16):
        watch.is_spike(norm)
    before = list(watch.state.recent)
    assert watch.is_spike(math.inf)
    assert watch.is_spike(1e6)
    assert watch.state.recent == before
    assert (watch.state.skipped, watch.state.consecutive) == (2, 2)


def test_the_state_goes_through_json_to_the_same_decisions() -> None:
    sequence = [*norms(150), *(5 * norm for norm in norms(150, seed=2))]
    straight = monitor()
    expected = [straight.is_spike(norm) for norm in sequence]
    first = monitor()
    found = [first.is_spike(norm) for norm in sequence[:170]]
    restored = GuardState(**json.loads(json.dumps(asdict(first.state))))
    found += [monitor(restored).is_spike(norm) for norm in sequence[170:171]]
    second = monitor(restored)
    found += [second.is_spike(norm) for norm in sequence[171:]]
    assert found == expected
    assert second.state == straight.state


def test_a_norm_of_zero_is_fine_and_enters_no_logarithm() -> None:
    watch = monitor(window=8)
    assert not any(watch.is_spike(0.0) for _ in range(20))
    assert watch.state.recent == []


class Louder(nn.Module):
    """The loss module, whose losses are far larger in some updates."""

    def __init__(self, trainer: Trainer, module: nn.Module, factors: dict[int, float]) -> None:
        super().__init__()
        self._read_update = lambda: trainer._state.update
        self.module = module
        self._factors = factors

    def forward(self, *tensors: Any) -> Tensor:
        losses: Tensor = self.module(*tensors)
        return losses * self._factors.get(self._read_update(), 1.0)


def louder_trainer(
    job: PretrainJob, factors: dict[int, float], kind: type[Trainer] = Trainer
) -> Trainer:
    trainer = kind(job, ALONE)
    trainer._updater._module = Louder(trainer, trainer._updater._module, factors)
    return trainer


def guard(**changes: object) -> dict[str, object]:
    return {"window": 8, "sigmas": 6, **changes}


def reports(job: PretrainJob) -> dict[str, dict[str, Any]]:
    return {
        path.parent.name: json.loads(path.read_text())
        for path in sorted((job.logs / "divergence-0").glob("*/report.json"))
    }


def test_a_spike_is_recorded_with_all_that_led_to_it(make_job: MakeJob) -> None:
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
    # Norms by parameter are those before clipping: together they are the whole norm.
    parts = [norm for name, norm in report["gradient_norms"].items()]
    assert math.hypot(*parts) == pytest.approx(report["gradient_norm"], rel=1e-3)
    assert report["weight_norms"].keys() == report["gradient_norms"].keys()
    batch = np.load(job.logs / "divergence-0" / name / "batch.npz")
    assert len(batch["cells_N"]) == len(batch["targets_N"]) > 0
    assert len(batch["step_B"]) == len(batch["tokens_BT"])
    assert trainer._state.guard.spikes == 1
    assert trainer._state.guard.skipped == 0


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
            before = self._everything()
            rate = super()._update(batch)
            if self._state.update == SPIKE_AT:
                after = self._everything()
                Watching.unchanged = all(map(torch.equal, before, after))
            return rate

        def _everything(self) -> list[Tensor]:
            states = self._updater.optimizer.adam.state.values()
            moments = [value for state in states for value in state.values()]
            return [t.clone() for t in [*self._encoder.state_dict().values(), *moments]]

    job = make_job(guard=guard(spike="skip"), **settings)
    trainer = louder_trainer(job, {SPIKE_AT: factor}, Watching)
    trainer.run()
    assert Watching.unchanged
    assert trainer._state.update == 20
    assert trainer._state.guard.skipped == 1
    lines = [json.loads(line) for line in (job.out / "metrics.jsonl").read_text().splitlines()]
    assert [line.get("skipped") for line in lines] == [None, None, None, 1]
    assert all(math.isfinite(line["gradient_norm"]) for line in lines)
    assert all(math.isfinite(loss) for line in lines for loss in line["loss"].values())


def test_fp16_s_scaler_goes_on_after_a_skipped_update(make_job: MakeJob) -> None:
    """A hundredfold loss: large against the others, and far from the end of fp16's range."""
    job = make_job(precision="fp16", guard=guard(spike="skip"))
    trainer = louder_trainer(job, {SPIKE_AT: 100.0})
    trainer._updater.scaler = torch.amp.GradScaler("cpu", init_scale=16.0)
    trainer.run()
    assert trainer._state.guard.skipped == 1
    assert trainer._state.overflows == 0
    assert trainer._state.update == 20


def test_diagnostics_of_masks_that_the_device_draws_says_how(make_job: MakeJob) -> None:
    job = make_job(guard=guard(), masking="rows")
    louder_trainer(job, {SPIKE_AT: 1000.0}).run()
    ((name, _),) = reports(job).items()
    batch = np.load(job.logs / "divergence-0" / name / "batch.npz")
    assert len(batch["count_B"]) == len(batch["rows_B"]) == len(batch["tokens_BT"])
    assert batch["key"].shape == ()


def test_a_line_of_skipped_updates_alone_has_no_norm(make_job: MakeJob) -> None:
    job = make_job(guard=guard(spike="skip"))
    louder_trainer(job, dict.fromkeys(range(15, 20), 1e4)).run()
    last = json.loads((job.out / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["skipped"] == 5
    assert "gradient_norm" not in last
    assert last["loss"] == {}


@pytest.mark.slow
def test_a_resumed_run_skips_and_remembers_the_same(make_job: MakeJob) -> None:
    factors = {12: 1000.0, 17: 1000.0}
    settings: dict[str, object] = {"guard": guard(spike="skip"), "checkpoint_updates": 7}
    straight = louder_trainer(make_job("straight", **settings), factors)
    straight.run()
    job = make_job("again", **settings)

    with pytest.raises(KeyboardInterrupt):
        louder_trainer(job, factors, BrokenAt18).run()
    resumed = louder_trainer(job, factors)
    resumed.run()
    assert resumed._state.guard == straight._state.guard
    assert straight._state.guard.skipped == 2
    for path in sorted(straight._job.out.iterdir()):
        assert (job.out / path.name).read_bytes() == path.read_bytes()


def exploding(job: PretrainJob) -> Trainer:
    """From update 12 on the learning rate is ten thousand times what it was."""
    trainer = Trainer(job, ALONE)
    rates = tuple(
        lambda update, rate=rate: rate(update) if update < 12 else 100.0
        for rate in trainer._updater.optimizer.rates
    )
    trainer._updater.optimizer = replace(trainer._updater.optimizer, rates=rates)
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


def test_spikes_without_end_stop_any_run(make_job: MakeJob) -> None:
    job = make_job(guard=guard(spike="skip", max_consecutive=3))
    with pytest.raises(TrainingError, match="4 spikes of the gradient norm one after the other"):
        louder_trainer(job, dict.fromkeys(range(12, 20), 1e4)).run()
    # The first of the row, and the one that was too much.
    assert list(reports(job)) == ["update-000000012-spike", "update-000000015-spike"]


def test_a_loss_that_is_no_number_stops_unless_it_may_be_skipped(make_job: MakeJob) -> None:
    job = make_job("stops")
    with pytest.raises(TrainingError, match="not finite at update 3"):
        louder_trainer(job, {3: math.nan}).run()
    (report,) = reports(job).values()
    assert report["not_finite_weights"] == []
    assert set(report["not_finite_gradients"]) >= {"embeddings.weight"}
    louder_trainer(make_job("skips", guard={"spike": "skip"}), {3: math.nan}).run()


def test_diagnostics_that_cannot_be_written_is_told_and_ends_no_run(
    make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    job = make_job(guard=guard())
    (job.logs / "divergence-0").write_text("no folder")
    with caplog.at_level(logging.WARNING):
        louder_trainer(job, {SPIKE_AT: 1000.0}).run()
    (told,) = [r.getMessage() for r in caplog.records if "gradient norm" in r.getMessage()]
    assert told.endswith("diagnostics cannot be written: Not a directory")
    assert (job.out / "model.safetensors").exists()


def test_the_newest_diagnostics_is_kept(make_job: MakeJob) -> None:
    trainer = Trainer(make_job(), ALONE)
    diagnostics = Diagnostics(
        trainer._job.logs / "kept", trainer._encoder, trainer._loader.tasks, keep=2, config={}
    )
    check = SpikeGuard(
        GuardConfig(window=8), GuardState(recent=[0.0] * 8), diagnostics, clip_norm=5.0
    )
    batch = trainer._loader.next_batch()
    for update, norm in enumerate([9.0, 1.0, 90.0, 1.0, 900.0, 900.0]):
        admitted = check.admits(
            update, norm=norm, rate=0.1, batch=batch, loss=torch.tensor(float(update))
        )
        assert admitted
    names = [path.name for path in sorted((trainer._job.logs / "kept").iterdir())]
    assert names == ["update-000000002-spike", "update-000000004-spike"]
