"""The training loop in this process: determinism, resume, patience, precision."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.tiny_world import TinyWorld
from tests.training import runs
from tests.training.runs import make_trainer
from xlm.errors import DataError, TrainingError
from xlm.model.formats.description import read_description
from xlm.training.launch.distributed import join_process_group
from xlm.training.launch.job import PretrainJob
from xlm.training.launch.stop import Interrupted
from xlm.training.trainer import Trainer

MakeJob = Callable[..., PretrainJob]


def train(job: PretrainJob) -> PretrainJob:
    make_trainer(job).run()
    return job


def files(job: PretrainJob) -> dict[str, bytes]:
    return runs.files(job.out)


def records(job: PretrainJob) -> list[dict[str, object]]:
    return [
        json.loads(line) for line in (job.out / "metrics.jsonl").read_text().split("\n") if line
    ]


def test_a_run_learns_and_writes_its_files(make_job: MakeJob) -> None:
    # sample_alpha 0: validation also predicts </s>, which weighted masking never trains.
    job = train(make_job(updates=150, languages_per_batch=2, validation_updates=50, sample_alpha=0))
    assert set(files(job)) == {
        "model.safetensors", "config.json", "mixture.json", "metrics.jsonl", "validation.json",
    }  # fmt: skip
    found = records(job)
    assert [r["step"] for r in found] == list(range(5, 151, 5))
    assert found[0].keys() == {
        "step", "loss", "loss_by_step", "learning_rate", "gradient_norm", "tokens",
    }  # fmt: skip
    first, last = found[0]["loss"]["mlm"], found[-1]["loss"]["mlm"]  # type: ignore[index]
    assert last < first - 1
    summary = json.loads((job.out / "validation.json").read_text())
    assert [v["step"] for v in summary["validations"]] == [50, 100, 150]
    final = summary["validations"][-1]
    assert final["valid_mlm_ppl"] < summary["validations"][0]["valid_mlm_ppl"] < 135
    assert {"valid_sw_mlm_ppl", "valid_en_fr_mlm_ppl", "valid_en_sw_mlm_acc"} <= final.keys()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(make_job: MakeJob) -> None:
    first, again, other = (
        files(train(make_job(name, seed=seed))) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == again
    assert first["model.safetensors"] != other["model.safetensors"]


@pytest.mark.slow
def test_operational_settings_change_no_bits(make_job: MakeJob) -> None:
    plain = files(train(make_job("plain")))
    changed = make_job("changed", checkpoint_updates=3, keep_checkpoints=1, speed_updates=2)
    assert files(train(changed)) == plain
    assert (changed.logs / "speed.jsonl").read_text().count("\n") == 10


@pytest.mark.slow
@pytest.mark.parametrize("checkpoint_updates", [1, 7])
def test_a_resumed_run_ends_in_the_same_bytes(make_job: MakeJob, checkpoint_updates: int) -> None:
    straight = files(train(make_job("straight")))
    job = make_job("again", checkpoint_updates=checkpoint_updates)

    class Broken(Trainer):
        def _validate(self) -> None:
            if self.state.update == 20:
                raise KeyboardInterrupt
            super()._validate()

    with pytest.raises(KeyboardInterrupt):
        make_trainer(job, kind=Broken).run()
    assert not (job.out / "model.safetensors").exists()
    assert files(train(job)) == straight


@pytest.mark.slow
def test_a_finished_run_without_artifact_only_writes_its_files(make_job: MakeJob) -> None:
    job = train(make_job())
    before = files(job)
    shutil.rmtree(job.out)
    job.out.mkdir()
    assert files(train(job)) == before


@pytest.mark.slow
def test_sigterm_saves_a_checkpoint_and_a_rerun_resumes(make_job: MakeJob) -> None:
    straight = files(train(make_job("straight")))
    job = make_job("stopped")
    trainer = make_trainer(job)
    report = trainer._report

    def report_and_signal(*arguments: object) -> None:
        report(*arguments)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGTERM)

    trainer._report = report_and_signal  # type: ignore[method-assign, assignment]
    with pytest.raises(Interrupted):
        trainer.run()
    assert [p.name for p in (job.scratch / "checkpoints").iterdir()] == ["update-000000005"]
    assert files(train(job)) == straight


@pytest.mark.slow
def test_a_damaged_newest_checkpoint_is_skipped(make_job: MakeJob) -> None:
    straight = files(train(make_job("straight", checkpoint_updates=5)))
    job = make_job("damaged", checkpoint_updates=5)
    train(job)
    shutil.rmtree(job.out)
    job.out.mkdir()
    newest = sorted((job.scratch / "checkpoints").iterdir())[-1]
    (newest / "optimizer.pt").write_bytes(b"half")
    assert files(train(job)) == straight


def test_patience_stops_the_run_and_the_best_weights_are_kept(make_job: MakeJob) -> None:
    """The learning rate is so high that the loss does not improve."""
    job = make_job(
        updates=200, validation_updates=2, patience=2,
        optimizer={"learning_rate": 5.0}, schedule={"kind": "constant", "warmup_updates": 0},
    )  # fmt: skip
    train(job)
    summary = json.loads((job.out / "validation.json").read_text())
    assert summary["stopped_early"]
    assert summary["updates"] == summary["best_update"] + 2 * 3
    assert summary["kept"] == "best"
    perplexities = {v["step"]: v["valid_mlm_ppl"] for v in summary["validations"]}
    assert min(perplexities, key=perplexities.__getitem__) == summary["best_update"]


@pytest.mark.slow
def test_the_last_weights_can_be_published_instead(make_job: MakeJob) -> None:
    job = train(make_job(keep="last", patience=None))
    assert json.loads((job.out / "validation.json").read_text())["kept"] == "last"
    assert not (job.scratch / "best.safetensors").exists()


def test_a_loss_that_is_not_finite_stops_with_diagnostics(make_job: MakeJob) -> None:
    job = make_job()
    trainer = make_trainer(job)
    with torch.no_grad():
        trainer.encoder.layer_norm1[0].weight[3] = float("nan")
    with pytest.raises(TrainingError, match=r"not finite at update 0 \(mlm\.\w\w\)"):
        trainer.run()
    diagnostics = job.logs / "divergence-0" / "update-000000000-not-finite"
    report = json.loads((diagnostics / "report.json").read_text())
    assert report["update"] == 0
    assert report["not_finite_gradients"]
    assert report["not_finite_weights"] == ["layer_norm1.0.weight"]
    assert (diagnostics / "batch.npz").exists()


def test_one_language_without_pairs_trains(
    make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    job = train(make_job(languages=("sw",)))
    messages = [record.getMessage() for record in caplog.records]
    assert "objective tlm has no training data and is left out" in messages
    mixture = json.loads((job.out / "mixture.json").read_text())
    assert [row["step"] for row in mixture] == ["mlm.sw"]
    assert mixture[0]["probability"] == 1.0
    assert mixture[0]["updates"] == 20


def test_an_objective_uses_only_its_data(make_job: MakeJob) -> None:
    job = train(make_job("tlm", objectives=("tlm",)))
    steps = [row["step"] for row in json.loads((job.out / "mixture.json").read_text())]
    assert steps == ["tlm.en-fr", "tlm.fr-en", "tlm.en-sw", "tlm.sw-en"]
    summary = json.loads((job.out / "validation.json").read_text())
    assert "valid_tlm_ppl" in summary["validations"][0]
    assert summary["best_criterion"] == min(v["valid_tlm_ppl"] for v in summary["validations"])
    with pytest.raises(TrainingError, match="no training lines for tlm"):
        train(make_job("none", languages=("en",), objectives=("tlm",)))


def test_mlm_comes_before_tlm_in_every_iteration(make_job: MakeJob) -> None:
    job = make_job(mono_steps=2, pair_steps=3)
    loader = make_trainer(job).loader
    assert [loader.objective(update) for update in range(6)] == ["mlm"] * 2 + ["tlm"] * 3 + ["mlm"]
    few = make_trainer(make_job("few")).loader
    # Three languages and four directions: fewer than the original's five of each.
    assert [few.objective(update) for update in range(7)] == ["mlm"] * 3 + ["tlm"] * 4


def test_shards_with_another_vocabulary_are_refused(
    make_job: MakeJob, world: TinyWorld, tmp_path: Path
) -> None:
    from xlm.bpe.vocabulary import Vocabulary, load_vocabulary, write_vocabulary

    known = load_vocabulary(world.vocabulary)
    other = tmp_path / "other"
    other.mkdir()
    write_vocabulary(Vocabulary(known.tokens[:-1], known.token_counts[:-1]), other)
    job = make_job().model_copy(update={"vocabulary": other})
    with pytest.raises(DataError, match="vocabulary"):
        make_trainer(job)


@pytest.mark.slow
@pytest.mark.parametrize("masking", ["batch", "rows"])
def test_micro_batches_add_up_to_the_batch(make_job: MakeJob, masking: str) -> None:
    """Streams of 8 x 16 tokens and pairs of about 120 positions, in micro-batches of at most 33."""
    settings: dict[str, object] = {"metrics_updates": 1, "keep": "last", "masking": masking}
    model: dict[str, object] = {"dropout": 0.0, "attention_dropout": 0.0}
    whole = train(make_job("whole", model=model, **settings))
    parts = make_job("parts", model=model, micro_batch_tokens=33, **settings)
    trainer = make_trainer(parts)
    seen: list[int] = []
    module = trainer.updater._module

    class Watching(torch.nn.Module):
        def forward(self, *tensors: object) -> torch.Tensor:
            seen.append(tensors[0].numel())  # type: ignore[attr-defined]
            losses: torch.Tensor = module(*tensors)
            return losses

    trainer.updater._module = Watching()
    trainer.run()
    assert len(seen) > 60
    # A micro-batch has at least one row, however long.
    assert max(seen) <= 66
    for ours, theirs in zip(records(parts), records(whole), strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
        assert ours["gradient_norm"] == pytest.approx(theirs["gradient_norm"], rel=1e-3)


@pytest.mark.slow
def test_causal_modelling_trains_and_validates(make_job: MakeJob) -> None:
    job = train(make_job(objectives=("clm", "mlm", "tlm"), updates=60, validation_updates=30))
    steps = [row["step"] for row in json.loads((job.out / "mixture.json").read_text())]
    assert steps[:6] == ["clm.en", "clm.fr", "clm.sw", "mlm.en", "mlm.fr", "mlm.sw"]
    validations = json.loads((job.out / "validation.json").read_text())["validations"]
    names = {"valid_sw_clm_ppl", "valid_clm_ppl", "valid_mlm_ppl", "valid_tlm_ppl"}
    assert names <= validations[0].keys()
    assert validations[1]["valid_clm_ppl"] < validations[0]["valid_clm_ppl"] < 200
    assert not read_description(job.out).causal
    alone = train(make_job("alone", objectives=("clm",)))
    assert read_description(alone.out).causal
    summary = json.loads((alone.out / "validation.json").read_text())
    assert summary["best_criterion"] == min(v["valid_clm_ppl"] for v in summary["validations"])


@pytest.mark.slow
def test_fp16_skips_overflows_and_resumes_to_the_same_bytes(make_job: MakeJob) -> None:
    """The initial scale is too high for this model; it is halved until it fits, and saved."""
    straight = train(make_job("straight", precision="fp16", metrics_updates=1))
    assert records(straight)[-1]["loss"]
    job = make_job("again", precision="fp16", metrics_updates=1, checkpoint_updates=7)
    first = make_trainer(job)
    first.updater.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    other = make_trainer(job)
    update = other._update

    def stop_at_nine(batch: object) -> float:
        if other.state.update == 9:
            raise KeyboardInterrupt
        return update(batch)  # type: ignore[arg-type]

    other._update = stop_at_nine  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        other.run()
    assert files(train(job)) == files(straight)
    with torch.no_grad():
        before = first.encoder.embeddings.weight.clone()
    overflowed = first._update(first.loader.next_batch())
    assert overflowed > 0
    assert first.state.overflows == 1
    assert torch.equal(first.encoder.embeddings.weight, before)
    assert first.updater.scaler.get_scale() == 2.0**39


@pytest.mark.slow
def test_too_many_overflows_of_fp16_stop_a_run(make_job: MakeJob) -> None:
    job = make_job(precision="fp16", updates=100)
    trainer = make_trainer(job)
    with torch.no_grad():
        trainer.encoder.layer_norm1[0].weight[3] = float("nan")
    with pytest.raises(TrainingError, match="not finite at update 50"):
        trainer.run()
    assert (job.logs / "divergence-0" / "update-000000050-not-finite" / "report.json").exists()


@pytest.mark.slow
def test_a_separate_rate_for_embeddings_and_bf16_train(make_job: MakeJob) -> None:
    job = train(
        make_job(
            optimizer={"learning_rate": 0.001, "embedding_learning_rate": 0.02}, precision="bf16"
        )
    )
    assert records(job)[-1]["loss"]


@pytest.mark.parametrize(
    ("limit", "largest"), [(None, 80), (80, 80), (47, 32), (40, 32), (33, 32), (16, 16), (1, 16)]
)
def test_a_micro_batch_has_at_most_the_limit_or_one_row(
    make_job: MakeJob, limit: int | None, largest: int
) -> None:
    job = make_job(stream_rows=5, objectives=("mlm",), micro_batch_tokens=limit)
    trainer = make_trainer(job)
    batch = trainer.loader.next_batch()
    parts = trainer.updater._micro_batches(batch)
    cells = [batch.share(part, parts).tokens_BT.size for part in range(parts)]
    assert sum(cells) == 80
    assert max(cells) == largest


@pytest.mark.slow
def test_clipping_can_be_switched_off(make_job: MakeJob) -> None:
    """No limit gives the same updates as a limit that no norm reaches."""
    rates = {"learning_rate": 1e-3}
    never = train(make_job("never", optimizer={**rates, "clip_norm": None}))
    high = train(make_job("high", optimizer={**rates, "clip_norm": 1e9}))
    assert files(never) == files(high)


def test_a_missing_gpu_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refused = pytest.raises(TrainingError, match="process 0 needs GPU 0, but torch finds 0 GPUs")
    with refused, join_process_group("cuda"):
        pass


def test_an_objective_named_twice_is_refused(make_job: MakeJob) -> None:
    with pytest.raises(ValueError, match="objectives mlm mlm contain a duplicate"):
        make_job(objectives=("mlm", "mlm"))
