"""Fine-tuning in this process: selection, restarts, collapse, optional settings."""

import json
import multiprocessing
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.tiny_world import LANGUAGES
from tests.training.runs import ALONE
from tests.waiting import wait_until
from xlm.classification.evaluation.evaluator import run_evaluation
from xlm.classification.evaluation.scoring import predict
from xlm.classification.finetuner import Finetuner
from xlm.classification.launch.jobs import EvaluateJob, FinetuneJob
from xlm.classification.restarts import choose, run_restarts
from xlm.classification.results.records import read_results
from xlm.config.data.tasks import XNLI_LABELS
from xlm.config.training.classification import FinetuneConfig
from xlm.errors import TrainingError
from xlm.model.formats.ours import load_classifier, load_encoder
from xlm.shards.reader import read_examples
from xlm.training.launch.job import SPEED_FILE

pytestmark = pytest.mark.slow

MakeFinetune = Callable[..., FinetuneJob]
MakeEvaluate = Callable[..., EvaluateJob]
CPU = torch.device("cpu")


def files(job: FinetuneJob | EvaluateJob) -> dict[str, bytes]:
    return {
        str(path.relative_to(job.out)): path.read_bytes()
        for path in job.out.rglob("*")
        if path.is_file()
    }


def attempts(job: FinetuneJob) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((job.out / "attempts.json").read_text())
    return content


def test_fine_tuning_learns_the_relation(make_finetune: MakeFinetune) -> None:
    job = make_finetune(updates=400, evaluation_updates=100, optimizer={"learning_rate": 0.01})
    run_restarts(job, ALONE)
    summary = attempts(job)
    assert summary["attempts"][0]["english_dev"] > 0.6
    assert not summary["attempts"][0]["collapsed"]
    classifier = load_classifier(job.out)
    description = classifier.encoder.description
    dev = read_examples(job.rows["en"], "valid", description.vocabulary_hash, XNLI_LABELS)
    labels = predict(classifier, dev, language_id=0, device=CPU)
    assert (labels == dev.labels).mean() == summary["attempts"][0]["english_dev"]


def test_the_same_job_gives_the_same_bytes(make_finetune: MakeFinetune) -> None:
    first, again = make_finetune("a"), make_finetune("b")
    for job in (first, again):
        run_restarts(job, ALONE)
    assert files(first) == files(again)
    assert set(files(first)) == {
        "attempts.json", "config.json", "metrics.jsonl", "model.safetensors",
    }  # fmt: skip


def test_restarts_differ_and_the_best_english_dev_is_kept(make_finetune: MakeFinetune) -> None:
    job = make_finetune(restarts=3)
    run_restarts(job, ALONE)
    summary = attempts(job)
    scores = [attempt["english_dev"] for attempt in summary["attempts"]]
    losses = [attempt["evaluations"][0]["loss"] for attempt in summary["attempts"]]
    assert len(set(losses)) == 3
    assert summary["kept_restart"] == int(np.argmax(scores))
    assert summary["selected_by"] == "english"
    steps = [json.loads(row) for row in (job.out / "metrics.jsonl").read_text().split("\n")[:-1]]
    assert [(row["restart"], row["step"]) for row in steps] == [
        (restart, step) for restart in range(3) for step in (10, 20, 30)
    ]


def test_no_restart_follows_once_the_target_is_met(make_finetune: MakeFinetune) -> None:
    job = make_finetune(restarts=3, target_accuracy=0.01)
    run_restarts(job, ALONE)
    assert len(attempts(job)["attempts"]) == 1


def test_finished_restarts_are_not_run_again(
    make_finetune: MakeFinetune, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_finetune(restarts=2)
    run_restarts(job, ALONE)
    before = files(job)
    for path in job.out.iterdir():
        path.unlink()

    def refuse(self: Finetuner) -> None:
        raise AssertionError("ran again")

    monkeypatch.setattr(Finetuner, "run", refuse)
    run_restarts(job, ALONE)
    assert files(job) == before


def test_selection_uses_english_dev_unless_configured(make_finetune: MakeFinetune) -> None:
    english = make_finetune("english")
    english = english.model_copy(update={"rows": {"en": english.rows["en"]}})
    run_restarts(english, ALONE)
    assert "mean_dev" not in attempts(english)["attempts"][0]["evaluations"][0]
    mean = make_finetune("mean", select_by="mean")
    run_restarts(mean, ALONE)
    rows = attempts(mean)["attempts"][0]["evaluations"]
    assert attempts(mean)["attempts"][0]["score"] == max(row["mean_dev"] for row in rows)


def test_patience_stops_a_run_and_the_last_weights_can_be_kept(make_finetune: MakeFinetune) -> None:
    job = make_finetune(
        "patience", updates=1000, evaluation_updates=1, patience=1,
        schedule={"kind": "constant", "warmup_updates": 0}, optimizer={"learning_rate": 1e-9},
    )  # fmt: skip
    run_restarts(job, ALONE)
    assert len(attempts(job)["attempts"][0]["evaluations"]) == 3
    last = make_finetune("last", keep="last")
    run_restarts(last, ALONE)
    assert attempts(last)["attempts"][0]["kept_update"] == 30


def record(restart: int, score: float, collapsed: bool = False) -> dict[str, Any]:
    return {"restart": restart, "score": score, "english_dev": score, "collapsed": collapsed}


def test_collapse_is_an_error_or_a_reason_to_restart_or_reported() -> None:
    """XLM issues 199 and 235: accuracy stays at 33.33 % without an error."""
    records = [record(0, 0.34, collapsed=True), record(1, 0.8)]
    with pytest.raises(TrainingError, match=r"never exceeded chance \(restarts \[0\]\)"):
        choose(FinetuneConfig(collapse="error"), records)
    assert choose(FinetuneConfig(collapse="restart"), records) == 1
    # Stage select refuses to publish it, unless it is only reported.
    for choice in ("restart", "report", "retry"):
        assert choose(FinetuneConfig(collapse=choice), records[:1]) == 0


def test_the_first_of_equal_restarts_is_kept() -> None:
    assert choose(FinetuneConfig(), [record(0, 0.7), record(1, 0.8), record(2, 0.8)]) == 1


def test_a_collapse_is_detected_and_reported_in_the_results(
    make_finetune: MakeFinetune, make_evaluate: MakeEvaluate
) -> None:
    job = make_finetune(updates=2, optimizer={"learning_rate": 1e-9}, collapse="error")
    job = job.model_copy(
        update={"finetune": job.finetune.model_copy(update={"collapse_margin": 0.6})}
    )
    with pytest.raises(TrainingError, match="collapsed"):
        run_restarts(job, ALONE)
    reporting = job.finetune.model_copy(update={"collapse": "report"})
    run_restarts(job.model_copy(update={"finetune": reporting}), ALONE)
    evaluation = make_evaluate("evaluate", job.out)
    run_evaluation(evaluation.model_copy(update={"mono": {}, "pairs": {}}), ALONE)
    assert read_results(evaluation.out).collapsed


def test_a_collapse_ends_early_and_is_tried_once_more_with_a_lower_rate(
    make_finetune: MakeFinetune,
) -> None:
    """Accuracy cannot exceed chance by 60 points, so both tries collapse."""
    job = make_finetune(
        collapse="retry", collapse_margin=0.6, collapse_updates=20, evaluation_updates=10,
        optimizer={"learning_rate": 0.003, "embedding_learning_rate": 0.01},
    )  # fmt: skip
    run_restarts(job, ALONE)
    (found,) = attempts(job)["attempts"]
    assert found["collapsed"]
    assert found["learning_rate"] == 0.0015
    assert [row["step"] for row in found["evaluations"]] == [10, 20]
    assert found["collapsed_tries"] == [
        {"learning_rate": 0.003, "reason": "accuracy at chance", "updates": 20}
    ]
    rates = {"learning_rate": 0.0015, "embedding_learning_rate": 0.005}
    lower = make_finetune("lower", optimizer=rates, updates=20)
    lower_schedule = job.finetune.model_copy(
        update={"optimizer": lower.finetune.optimizer, "collapse": "report", "updates": 30}
    )
    run_restarts(lower.model_copy(update={"finetune": lower_schedule}), ALONE)
    again = attempts(lower)["attempts"][0]["evaluations"]
    assert again[:2] == found["evaluations"], "the second try is a run with the lower rate"


def test_a_kill_during_the_second_try_changes_nothing(make_finetune: MakeFinetune) -> None:
    settings: dict[str, Any] = {
        "collapse": "retry", "collapse_margin": 0.6, "updates": 150,
        "collapse_updates": 100, "evaluation_updates": 50,
    }  # fmt: skip
    whole, killed = (make_finetune(name, **settings) for name in ("whole", "killed"))
    run_restarts(whole, ALONE)
    process = multiprocessing.get_context("spawn").Process(
        target=run_restarts, args=(killed, ALONE)
    )
    process.start()
    try:
        speed = killed.logs / SPEED_FILE
        wait_until(
            lambda: speed.is_file() and "restart 0 again" in speed.read_text(),
            "it is not tried again",
        )
    finally:
        process.kill()
        process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not files(killed)
    run_restarts(killed, ALONE)
    assert files(killed) == files(whole)


def test_accuracy_at_chance_ends_no_run_during_its_warm_up(make_finetune: MakeFinetune) -> None:
    schedule = {"kind": "constant", "warmup_updates": 10}
    job = make_finetune(
        collapse="restart", collapse_margin=0.6, collapse_updates=5, evaluation_updates=5,
        schedule=schedule,
    )  # fmt: skip
    run_restarts(job, ALONE)
    (found,) = attempts(job)["attempts"]
    assert found["evaluations"][-1]["step"] == 15


def test_a_run_that_learns_is_not_tried_again(make_finetune: MakeFinetune) -> None:
    job = make_finetune(collapse="retry", collapse_margin=0, collapse_updates=10)
    run_restarts(job, ALONE)
    (found,) = attempts(job)["attempts"]
    assert (found["collapsed_tries"], found["learning_rate"]) == ([], 0.003)
    assert found["evaluations"][-1]["step"] == 30


def test_a_loss_that_is_not_finite_is_tried_again_with_a_lower_rate(
    make_finetune: MakeFinetune,
) -> None:
    job = make_finetune(
        collapse="retry", collapse_rate=1e-33,
        optimizer={"learning_rate": 1e30, "clip_norm": 1e30},
    )  # fmt: skip
    run_restarts(job, ALONE)
    (tried,) = attempts(job)["attempts"][0]["collapsed_tries"]
    assert "not finite" in tried["reason"]


def test_a_loss_that_is_never_finite_is_a_collapse(make_finetune: MakeFinetune) -> None:
    """One cell of a sweep must not stop the others."""
    rate = {"optimizer": {"learning_rate": 1e30, "clip_norm": 1e30}}
    job = make_finetune(collapse="retry", **rate)
    run_restarts(job, ALONE)
    (found,) = attempts(job)["attempts"]
    assert found["collapsed"]
    assert found["learning_rate"] == 5e29
    assert [one["learning_rate"] for one in found["collapsed_tries"]] == [1e30]
    (row,) = found["evaluations"]
    assert 0 < row["step"] < 10
    assert found["kept_update"] == row["step"]


def test_frozen_embeddings_do_not_change_and_other_weights_do(make_finetune: MakeFinetune) -> None:
    job = make_finetune(freeze_embeddings=True, mix_pretraining=2, random_language_ids=True)
    run_restarts(job, ALONE)
    before, after = load_encoder(job.encoder), load_classifier(job.out).encoder
    assert torch.equal(before.embeddings.weight, after.embeddings.weight)
    assert torch.equal(before.pred_layer.proj.bias, after.pred_layer.proj.bias)
    assert not torch.equal(before.ffns[0].lin1.weight, after.ffns[0].lin1.weight)


@pytest.mark.parametrize(
    "aid",
    [{"random_language_ids": True}, {"mix_pretraining": 1}, {"classifier_learning_rate": 0.1},
     {"encoder_dropout": 0.3}, {"encoder_attention_dropout": 0.3}, {"classifier_dropout": 0.3}],
)  # fmt: skip
def test_each_optional_setting_changes_the_result(
    make_finetune: MakeFinetune, aid: dict[str, object]
) -> None:
    plain, aided = make_finetune("plain"), make_finetune("aided", **aid)
    for job in (plain, aided):
        run_restarts(job, ALONE)
    assert files(plain)["model.safetensors"] != files(aided)["model.safetensors"]


def test_frozen_layers_do_not_change(make_finetune: MakeFinetune) -> None:
    job = make_finetune(frozen_layers=1, mix_pretraining=1)
    run_restarts(job, ALONE)
    before, after = load_encoder(job.encoder), load_classifier(job.out).encoder
    assert all(map(torch.equal, before.state_dict().values(), after.state_dict().values()))
    with pytest.raises(TrainingError, match="frozen_layers is 2, but the model has 1"):
        run_restarts(make_finetune("more", frozen_layers=2), ALONE)


def test_a_loss_that_is_not_finite_stops(make_finetune: MakeFinetune) -> None:
    job = make_finetune(optimizer={"learning_rate": 1e30, "clip_norm": 1e30})
    with pytest.raises(TrainingError, match="not finite"):
        run_restarts(job, ALONE)


def test_fine_tuning_needs_english(make_finetune: MakeFinetune) -> None:
    job = make_finetune()
    job = job.model_copy(update={"rows": {"sw": job.rows["sw"]}})
    with pytest.raises(TrainingError, match="no training rows in sw"):
        run_restarts(job, ALONE)


def test_evaluation_measures_every_language(
    make_finetune: MakeFinetune, make_evaluate: MakeEvaluate
) -> None:
    tuned = make_finetune()
    run_restarts(tuned, ALONE)
    job = make_evaluate("evaluate", tuned.out)
    run_evaluation(job, ALONE)
    results = read_results(job.out)
    assert [found.code for found in results.languages] == list(LANGUAGES)
    for found in results.languages:
        assert found.test is not None
        assert found.test.total == 30
        assert found.test.low < found.test.accuracy < found.test.high
        assert found.majority == pytest.approx(1 / 3)
        assert found.bag_of_words is not None
        assert found.perplexity is not None
    swahili = results.language("sw")
    assert swahili.paper == 0.684
    assert swahili.retrieval is not None
    assert swahili.pair_perplexity is not None
    assert results.language("en").retrieval is None
    assert results.averages.zero_shot_test is not None
    assert not results.collapsed
    dev = {row.language: row for row in results.accuracies if row.split == "dev"}
    tests = {(row.language, row.rule): row for row in results.accuracies if row.split == "test"}
    assert set(tests) == {
        (code, rule) for code in LANGUAGES for rule in ("training", "mean", "language")
    }
    for found in results.languages:
        assert found.dev
        assert found.test
        assert dev[found.code].correct == found.dev.right
        assert {tests[found.code, rule].correct for rule in ("training", "mean", "language")} == {
            found.test.right
        }
    again = make_evaluate("again", tuned.out)
    run_evaluation(again, ALONE)
    assert files(job) == files(again)


def test_evaluation_works_without_pairs_and_without_xnli(
    make_finetune: MakeFinetune, make_evaluate: MakeEvaluate
) -> None:
    tuned = make_finetune()
    run_restarts(tuned, ALONE)
    job = make_evaluate("bare", tuned.out)
    without_task = {"rows": {}, "selection": None, "cells": {}, "task": None}
    job = job.model_copy(update={"pairs": {}, **without_task})
    run_evaluation(job, ALONE)
    results = read_results(job.out)
    assert results.averages.test is None
    assert results.averages.retrieval_raw is None
    assert results.averages.perplexity is not None


def test_a_causal_encoder_is_fine_tuned_like_any_and_measured_causally(
    make_finetune: MakeFinetune, make_evaluate: MakeEvaluate, causal_encoder: Path
) -> None:
    plain, tuned = make_finetune("plain"), make_finetune("tuned")
    tuned = tuned.model_copy(update={"encoder": causal_encoder})
    found = {}
    for job in (plain, tuned):
        run_restarts(job, ALONE)
        evaluation = make_evaluate(f"evaluate-{job.out.parent.name}", job.out)
        evaluation = evaluation.model_copy(update={"encoder": job.encoder})
        run_evaluation(evaluation, ALONE)
        found[job.encoder] = read_results(evaluation.out)
    assert files(plain) == files(tuned)
    masked, causal = found[plain.encoder], found[causal_encoder]
    assert causal.averages.test == masked.averages.test
    assert causal.averages.perplexity != masked.averages.perplexity
    assert all(one.pair_perplexity is None for one in causal.languages)
    assert masked.language("sw").pair_perplexity is not None
    assert "each token from those before it" in causal.method["perplexity"]
    assert "each of what is before it" in causal.method["retrieval"]
    assert "before it" not in masked.method["perplexity"] + masked.method["retrieval"]


def test_a_model_with_another_vocabulary_is_refused(
    make_finetune: MakeFinetune, tmp_path: Path
) -> None:
    from xlm.bpe.vocabulary import Vocabulary, load_vocabulary, write_vocabulary

    job = make_finetune()
    known = load_vocabulary(job.vocabulary)
    write_vocabulary(Vocabulary(known.tokens[:-1], known.token_counts[:-1]), tmp_path)
    job = job.model_copy(update={"vocabulary": tmp_path})
    with pytest.raises(TrainingError, match="the vocabulary artifact has vocabulary"):
        run_restarts(job, ALONE)
