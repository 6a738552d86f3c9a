"""Pretraining from another model: the initial weights, and the key of the stage."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny_world import LANGUAGES, TinyWorld, tiny_model, tiny_pretraining
from tests.training.runs import make_trainer
from xlm.bpe.vocabulary import load_vocabulary
from xlm.config.reading.resolve import resolve
from xlm.config.training.pretrain import PretrainSlice
from xlm.dataloader.data import load_held_out_data
from xlm.engine.stage import StageContext
from xlm.errors import TrainingError, XlmError
from xlm.model.encoder import Encoder
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.description import ModelDescription, read_description
from xlm.model.formats.hugging_face.folder import write_hugging_face
from xlm.model.formats.hugging_face.vocab_json import write_vocab_json
from xlm.model.formats.original import write_original
from xlm.model.formats.ours import EMBEDDINGS, HEAD_BIAS, encoder_weights, set_encoder_weights
from xlm.model.formats.ours import LANGUAGES as LANGUAGES_TABLE
from xlm.model.formats.source_files import identity_of
from xlm.model.initialise import initialise
from xlm.stages.model.pretrain import PRETRAIN
from xlm.training.launch.job import PretrainJob
from xlm.training.trainer import Trainer
from xlm.training.validation import Validator

MakeJob = Callable[..., PretrainJob]


def reversed_model(world: TinyWorld, *, causal: bool = False) -> PortableModel:
    """A model with tokens and languages in reverse order."""
    vocabulary = load_vocabulary(world.vocabulary)
    reversed_vocabulary = replace(
        vocabulary, tokens=(*vocabulary.tokens[:14], *reversed(vocabulary.tokens[14:]))
    )
    encoder = Encoder(
        ModelDescription(
            model=tiny_model(),
            languages=LANGUAGES[::-1],
            vocabulary_size=reversed_vocabulary.size,
            vocabulary_hash=reversed_vocabulary.hash,
            causal=causal,
        )
    )
    initialise(encoder, seed=99)
    return PortableModel(encoder.description, encoder_weights(encoder), reversed_vocabulary)


@pytest.fixture
def source(world: TinyWorld, tmp_path: Path) -> Path:
    """A checkpoint in the format of XLM."""
    path = tmp_path / "source.pth"
    write_original(path, reversed_model(world))
    return path


def started_from(make_job: MakeJob, path: Path, name: str = "run") -> PretrainJob:
    job = make_job(name, warm_start=str(path))
    return job.model_copy(update={"warm_start": identity_of(path)})


def test_the_trainer_starts_from_the_weights_of_the_source(make_job: MakeJob, source: Path) -> None:
    state = torch.load(source, weights_only=True)["model"]
    encoder = make_trainer(started_from(make_job, source)).encoder
    embeddings, languages = encoder.embeddings.weight, encoder.lang_embeddings.weight
    assert torch.equal(embeddings[:14], state["embeddings.weight"][:14])
    assert torch.equal(embeddings[14:], state["embeddings.weight"][14:].flip(0))
    assert torch.equal(languages, state["lang_embeddings.weight"].flip(0))
    assert torch.equal(encoder.ffns[0].lin1.weight, state["ffns.0.lin1.weight"])
    plain = make_trainer(make_job("plain")).encoder
    assert not torch.equal(plain.ffns[0].lin1.weight, encoder.ffns[0].lin1.weight)


@pytest.mark.parametrize("objectives", [("clm",), ("mlm",)])
def test_the_objectives_decide_whether_a_warm_started_model_is_causal(
    make_job: MakeJob, world: TinyWorld, tmp_path: Path, objectives: tuple[str, ...]
) -> None:
    """The folder that publish writes after CLM alone can be a source."""
    model, folder = reversed_model(world, causal=True), tmp_path / "causal"
    assert model.vocabulary is not None
    write_hugging_face(folder, model)
    write_vocab_json(folder, model.vocabulary.tokens)
    job = make_job(objectives=objectives, updates=2, warm_start=str(folder))
    job = job.model_copy(update={"warm_start": identity_of(folder)})
    trainer = make_trainer(job)
    assert torch.equal(trainer.encoder.ffns[0].lin1.weight, model.weights["ffns.0.lin1.weight"])
    trainer.run()
    assert read_description(job.out).causal is (objectives == ("clm",))


@pytest.mark.parametrize("layout", ["original", "hugging-face"])
def test_continuing_without_learning_keeps_the_perplexity_of_the_source(
    make_job: MakeJob, world: TinyWorld, tmp_path: Path, layout: str
) -> None:
    """With the tokens and languages of the source, in another order."""
    model, path = reversed_model(world), tmp_path / "source"
    assert model.vocabulary is not None
    if layout == "original":
        write_original(path, model)
    else:
        write_hugging_face(path, model)
        write_vocab_json(path, model.vocabulary.tokens)
    job = make_job(
        updates=2,
        validation_updates=1,
        optimizer={"learning_rate": 1e-30},
        warm_start=str(path),
    )
    make_trainer(job.model_copy(update={"warm_start": identity_of(path)})).run()
    # The same rows, moved by hand to the ids of the run.
    expected = Encoder(read_description(job.out))
    rows = [*range(14), *reversed(range(14, model.vocabulary.size))]
    weights = dict(model.weights)
    for name in (EMBEDDINGS, HEAD_BIAS):
        weights[name] = weights[name][rows]
    weights[LANGUAGES_TABLE] = weights[LANGUAGES_TABLE].flip(0)
    set_encoder_weights(expected, weights)
    vocabulary = load_vocabulary(world.vocabulary)
    held_out = load_held_out_data(
        "valid", mono=world.mono, pairs=world.pairs, vocabulary_hash=vocabulary.hash
    )
    validator = Validator(
        held_out,
        expected.description,
        split="valid",
        stream_tokens=job.pretrain.stream_tokens,
        predict_special_tokens=job.pretrain.scores_special_tokens,
    )
    found = json.loads((job.out / "validation.json").read_text())["validations"]
    for number, task in enumerate(validator.tasks):
        if task.objective == "mlm":
            sums = validator.measure(expected.eval(), [number], torch.device("cpu"))
            wanted = validator.perplexity(sums[number])
            for record in found:
                assert record[f"valid_{task.name}_mlm_ppl"] == pytest.approx(wanted, rel=1e-5)


@pytest.mark.slow
def test_a_warm_started_run_is_deterministic_and_resumes(make_job: MakeJob, source: Path) -> None:
    class Broken(Trainer):
        def _validate(self) -> None:
            if self.state.update == 20:
                raise KeyboardInterrupt
            super()._validate()

    straight, again = (started_from(make_job, source, name) for name in ("straight", "again"))
    again = again.model_copy(
        update={"pretrain": again.pretrain.model_copy(update={"checkpoint_updates": 7})}
    )
    make_trainer(straight).run()
    with pytest.raises(KeyboardInterrupt):
        make_trainer(again, kind=Broken).run()
    make_trainer(again).run()
    for path in straight.out.iterdir():
        assert path.read_bytes() == (again.out / path.name).read_bytes(), path.name


def test_a_source_that_changed_after_the_plan_is_refused(make_job: MakeJob, source: Path) -> None:
    job = started_from(make_job, source)
    content = torch.load(source, weights_only=True)
    content["model"]["embeddings.weight"] += 1
    torch.save(content, source)
    with pytest.raises(TrainingError, match="when the run was planned"):
        make_trainer(job)


@pytest.mark.slow
def test_the_stage_starts_from_the_source_in_another_process(
    world: TinyWorld, source: Path, tmp_path: Path
) -> None:
    any_mapper: Any = None
    context = StageContext(
        unit="all",
        config=PretrainSlice(
            languages=LANGUAGES,
            model=tiny_model(),
            pretrain=tiny_pretraining(updates=2, warm_start=str(source)),
            warm_start=identity_of(source),
        ),
        inputs={
            "vocabulary": world.vocabulary,
            **{f"data.{unit}": path for unit, path in {**world.mono, **world.pairs}.items()},
        },
        out=tmp_path / "out",
        scratch=tmp_path / "scratch",
        logs=tmp_path / "logs",
        mapper=any_mapper,
        workers=1,
    )
    PRETRAIN.run(context)
    log = (context.logs / "processes.log").read_text()
    assert f"warm start from {source}: 134 tokens copied, 0 new; languages copied: en fr sw" in log


def key_fields(path: Path | str | None) -> dict[str, object]:
    overrides = [] if path is None else [f"pretrain.warm_start={path}"]
    return PRETRAIN.slice(resolve("sample", overrides), "all").key_fields()


def test_the_key_depends_on_the_contents_and_not_on_the_path(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other bytes at the same path train again; the same bytes at another path do not."""
    first = key_fields(source)
    assert first["warm_start"] == identity_of(source)
    assert str(tmp_path) not in str(first)
    copy = tmp_path / "elsewhere" / "other-name.pth"
    copy.parent.mkdir()
    shutil.copyfile(source, copy)
    assert key_fields(copy) == first
    monkeypatch.chdir(copy.parent)
    assert key_fields("other-name.pth") == first
    monkeypatch.setenv("HOME", str(copy.parent))
    assert key_fields("~/other-name.pth") == first
    content = torch.load(source, weights_only=True)
    content["model"]["embeddings.weight"][20, 0] += 1
    torch.save(content, source)
    second = key_fields(source)
    assert second["warm_start"] != first["warm_start"]
    assert {**second, "warm_start": first["warm_start"]} == first
    assert key_fields(None)["warm_start"] == ""


def test_processes_get_an_absolute_path(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(source.parent)
    found = PRETRAIN.slice(resolve("sample", ["pretrain.warm_start=source.pth"]), "all")
    assert found.pretrain.warm_start == str(source)


def test_a_missing_source_is_refused_by_the_plan(tmp_path: Path) -> None:
    with pytest.raises(XlmError, match=r"absent does not exist; use a \.pth file"):
        key_fields(tmp_path / "absent")
