"""Warm start: rows are matched by token and language; sources are identified by contents."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.formats.portable_models import WORDS, small_model, small_vocabulary
from tests.release.artifacts import write_manifest
from xlm.bpe.vocabulary import Vocabulary, write_vocabulary
from xlm.errors import DataError, TrainingError
from xlm.model.encoder import Encoder
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.hugging_face.folder import write_hugging_face
from xlm.model.formats.hugging_face.vocab_json import write_vocab_json
from xlm.model.formats.original import write_original
from xlm.model.formats.ours import encoder_weights, save_weights
from xlm.model.formats.source_files import identity_of
from xlm.model.initialise import initialise
from xlm.model.warm_start.weights import copy_weights, warm_start

SPECIAL = 14
CODES = ("ar", "de", "en", "fr", "sw", "zh")


def fresh(model: PortableModel, seed: int = 8) -> Encoder:
    """A newly initialised encoder with a model's description."""
    encoder = Encoder(model.description).eval()
    initialise(encoder, seed)
    return encoder


def vocabulary_of(model: PortableModel) -> Vocabulary:
    assert model.vocabulary is not None
    return model.vocabulary


words = st.lists(st.sampled_from(WORDS), min_size=1, unique=True).map(tuple)
codes = st.lists(st.sampled_from(CODES), min_size=1, unique=True).map(tuple)
positions = st.integers(8, 20)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(words, words, codes, codes, positions, positions)
def test_rows_are_copied_by_token_or_keep_their_initial_weights(
    source_words: tuple[str, ...],
    own_words: tuple[str, ...],
    source_codes: tuple[str, ...],
    own_codes: tuple[str, ...],
    source_positions: int,
    own_positions: int,
) -> None:
    source = small_model(source_words, source_codes, max_positions=source_positions, layers=1)
    target = small_model(own_words, own_codes, max_positions=own_positions, layers=1)
    encoder = fresh(target)
    before = {name: tensor.clone() for name, tensor in encoder_weights(encoder).items()}
    shared = set(source_words) & set(own_words)
    if not shared:
        with pytest.raises(TrainingError, match="has none of the"):
            copy_weights(encoder, vocabulary_of(target), source, "there")
        assert all(torch.equal(encoder_weights(encoder)[name], before[name]) for name in before)
        return
    report = copy_weights(encoder, vocabulary_of(target), source, "there")
    after = encoder_weights(encoder)
    index = vocabulary_of(source).index
    for number, token in enumerate(vocabulary_of(target).tokens):
        for name in ("embeddings.weight", "pred_layer.proj.bias"):
            expected = (
                source.weights[name][index[token]] if token in index else before[name][number]
            )
            assert torch.equal(after[name][number], expected)
    for number, code in enumerate(own_codes):
        if len(own_codes) > 1:
            found = after["lang_embeddings.weight"][number]
            if code not in source_codes:
                assert torch.equal(found, before["lang_embeddings.weight"][number])
            elif len(source_codes) > 1:
                row = source.weights["lang_embeddings.weight"][source_codes.index(code)]
                assert torch.equal(found, row)
            else:
                assert found.abs().max() == 0
    if len(own_codes) > 1:
        taken = min(source_positions, own_positions)
        name = "position_embeddings.weight"
        assert torch.equal(after[name][:taken], source.weights[name][:taken])
        assert torch.equal(after[name][taken:], before[name][taken:])
    for name in after:
        if name.split(".")[0] in ("attentions", "ffns", "layer_norm1", "layer_norm2"):
            assert torch.equal(after[name], source.weights[name])
    assert report.tokens_copied == SPECIAL + len(shared)
    assert report.tokens_new == len(own_words) - len(shared)
    assert set(report.languages_copied) == set(source_codes) & set(own_codes)
    assert set(report.languages_new) == set(own_codes) - set(source_codes)
    assert report.positions_copied + report.positions_new == own_positions
    assert report.positions_copied == min(source_positions, own_positions)


@pytest.mark.parametrize(
    ("source_codes", "own_codes"),
    [
        (("en", "fr", "sw"), ("sw", "en", "ur")),
        (("sw",), ("en", "sw")),
        (("en", "fr", "sw"), ("sw",)),
        (("sw",), ("sw",)),
    ],
)
def test_an_extended_model_gives_the_same_states_for_known_text(
    source_codes: tuple[str, ...], own_codes: tuple[str, ...]
) -> None:
    """XLM issues 231, 309: other ids of tokens and languages gave an untrained perplexity."""
    source = small_model(WORDS, source_codes)
    target = small_model(("new", *reversed(WORDS), "@@more"), own_codes, max_positions=40)
    encoder = fresh(target)
    copy_weights(encoder, vocabulary_of(target), source, "there")
    known = Encoder(source.description).eval()
    copy_weights(known, vocabulary_of(source), source, "itself")
    text = ["</s>", "the", "a@@", "b", "@@", "</s>"]
    outputs = []
    for model, its_encoder in ((source, known), (target, encoder)):
        index = vocabulary_of(model).index
        tokens = torch.tensor([[index[token] for token in text]])
        language = model.description.languages.index("sw")
        with torch.no_grad():
            logits = its_encoder.predict(its_encoder(tokens, torch.full_like(tokens, language)))
        outputs.append(logits[..., [index[token] for token in ("the", "zz", "héé", "</s>")]])
    torch.testing.assert_close(outputs[0], outputs[1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"layers": 1}, "there has layers 1, but the model to train has 2; set model.layers=1"),
        ({"dimension": 32}, "there has dimension 32, but the model to train has 16"),
        ({"heads": 2}, "there has heads 2, but the model to train has 4"),
    ],
)
def test_other_sizes_are_refused_in_one_line(sizes: dict[str, int], message: str) -> None:
    target = small_model()
    with pytest.raises(TrainingError) as caught:
        copy_weights(fresh(target), vocabulary_of(target), small_model(**sizes), "there")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def _write(kind: str, model: PortableModel, target: Path) -> Path:
    if kind == "original":
        path = target.with_suffix(".pth")
        write_original(path, model)
        return path
    target.mkdir()
    if kind == "hugging-face":
        write_hugging_face(target, model)
        write_vocab_json(target, vocabulary_of(model).tokens)
    else:
        save_weights(target, model.description, model.weights)
        write_vocabulary(vocabulary_of(model), target)
    return target


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["original", "hugging-face", "xlm"])
@pytest.mark.parametrize("trained", [{}, {"classifier": True}, {"causal": True}])
def test_all_three_formats_give_the_same_start(
    tmp_path: Path, kind: str, trained: dict[str, bool], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    source = small_model(**trained)
    target = small_model((*WORDS[::-1], "new"), ("en", "sw", "ceb"), max_positions=30)
    expected, found = fresh(target), fresh(target)
    copy_weights(expected, vocabulary_of(target), source, "there")
    path = _write(kind, source, tmp_path / "model")
    report = warm_start(found, vocabulary_of(target), path, identity=identity_of(path))
    headless = source.is_classifier and kind == "hugging-face"
    assert report.has_head is not headless
    for name, tensor in encoder_weights(expected).items():
        if name != "pred_layer.proj.bias" or not headless:
            assert torch.equal(encoder_weights(found)[name], tensor), name
    assert (
        "24 tokens copied, 1 new; languages copied: en sw, new: ceb; "
        "24 positions copied, 6 new" in caplog.text
    )


def test_a_source_that_changed_after_the_plan_is_refused(tmp_path: Path) -> None:
    path = _write("original", small_model(), tmp_path / "model")
    planned = identity_of(path)
    _write("original", small_model(seed=4), tmp_path / "model")
    target = small_model()
    with pytest.raises(TrainingError, match=r"model\.pth is original \w+, but was original \w+"):
        warm_start(fresh(target), vocabulary_of(target), path, identity=planned)


def test_rows_without_known_tokens_are_refused_unless_the_vocabulary_is_ours(
    tmp_path: Path,
) -> None:
    model = small_model()
    save_weights(tmp_path, model.description, model.weights)
    same = warm_start(fresh(model), small_vocabulary(), tmp_path)
    assert (same.tokens_copied, same.tokens_new) == (24, 0)
    other = small_model(WORDS[::-1])
    with pytest.raises(TrainingError, match="has no vocabulary that maps"):
        warm_start(fresh(other), vocabulary_of(other), tmp_path)


def test_an_artifact_finds_its_vocabulary_in_its_store(tmp_path: Path) -> None:
    model = small_model()
    home = tmp_path / "pretrain" / "key"
    shelves = [tmp_path / "vocabulary" / name for name in ("a", "b", "c")]
    for shelf in (home, *shelves):
        shelf.mkdir(parents=True)
    save_weights(home, model.description, model.weights)
    for shelf, chosen in zip(shelves, (("x",), WORDS, ("y",)), strict=True):
        write_vocabulary(small_vocabulary(chosen), shelf)
        write_manifest(shelf, "vocabulary")
    other = small_model(WORDS[::-1])
    report = warm_start(fresh(other), vocabulary_of(other), home)
    assert (report.tokens_copied, report.tokens_new) == (24, 0)
    write_vocabulary(small_vocabulary(("z",)), home)
    with pytest.raises(DataError, match=r"vocabulary\.json has hash \w+, but the model was"):
        warm_start(fresh(other), vocabulary_of(other), home)


@pytest.mark.parametrize("kind", ["original", "hugging-face", "xlm"])
def test_the_identity_depends_on_the_contents_alone(tmp_path: Path, kind: str) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    first = identity_of(_write(kind, small_model(), here))
    assert first.startswith(f"{kind} ")
    assert identity_of(_write(kind, small_model(), there)) == first
    changed = _write(kind, small_model(seed=4), tmp_path / "other")
    assert identity_of(changed) != first
    if kind != "original":
        (there / "README.md").write_text("Notes.")
        assert identity_of(there) == first
        (there / "config.json").write_text((there / "config.json").read_text() + " ")
        assert identity_of(there) != first
    if kind == "hugging-face":
        before = identity_of(here)
        write_vocab_json(here, vocabulary_of(small_model(WORDS[::-1])).tokens)
        assert identity_of(here) != before


def test_a_replaced_file_has_another_identity(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(b"one")
    first = identity_of(path)
    replacement = tmp_path / "replacement"
    replacement.write_bytes(b"two")
    replacement.replace(path)
    assert identity_of(path) != first


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent", "absent does not exist"),
        ("empty", "config.json does not exist"),
        ("pytorch_model.bin", "contains weights alone, without settings; use the folder"),
        ("model.safetensors", "contains weights alone, without settings; use the folder"),
        ("broken", "config.json is not readable JSON"),
        ("weightless", "contains neither model.safetensors nor pytorch_model.bin"),
        ("climbing", "names '../model.safetensors', which is not in its folder"),
    ],
)
def test_paths_without_a_model_are_refused_in_one_line(
    tmp_path: Path, name: str, message: str
) -> None:
    for file in ("pytorch_model.bin", "model.safetensors"):
        (tmp_path / file).write_bytes(b"x")
    for folder in ("empty", "broken", "weightless", "climbing"):
        (tmp_path / folder).mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    (tmp_path / "weightless" / "config.json").write_text("{}")
    (tmp_path / "climbing" / "config.json").write_text("{}")
    (tmp_path / "climbing" / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "../model.safetensors"}}'
    )
    with pytest.raises(DataError) as caught:
        identity_of(tmp_path / name)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
