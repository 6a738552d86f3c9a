"""`xlm convert`: every layout to every other and back, bit for bit, whole or not at all."""

import hashlib
import itertools
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import XLMConfig, XLMForSequenceClassification, XLMTokenizer, XLMWithLMHeadModel

from tests.flows.console import xlm
from tests.model.portable_models import original_content, save, small_model
from tests.release.artifacts import write_manifest
from xlm.bpe.vocabulary import write_vocabulary
from xlm.cli.convert import convert_model
from xlm.errors import ConfigError, DataError
from xlm.model.checkpoint import load_classifier, load_encoder, set_encoder_weights
from xlm.model.encoder import Encoder
from xlm.model.original import write_original
from xlm.model.sources import read_model

CODES = b"h e 9\nhe y</w> 5"
"""Without a newline at its end, which merges.txt must have."""
LAYOUTS = ("original", "hugging-face", "xlm")


@pytest.fixture
def codes(tmp_path: Path) -> Path:
    path = tmp_path / "given-codes"
    path.write_bytes(CODES)
    return path


def written(path: Path, *, causal: bool = False) -> Path:
    digest = hashlib.sha256(CODES).hexdigest()
    write_original(path, small_model(codes_hash=digest, causal=causal))
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return written(tmp_path / "source.pth")


def contents(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(path.iterdir())
    return {"" if path.is_file() else file.name: file.read_bytes() for file in files}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("route", list(itertools.permutations(LAYOUTS)))
def test_round_trips_in_every_order_keep_every_byte(
    codes: Path, tmp_path: Path, route: tuple[str, ...], causal: bool
) -> None:
    source, first = written(tmp_path / "source.pth", causal=causal), tmp_path / "first"
    convert_model(source, first, route[0], None, codes)
    place = first
    for number, layout in enumerate((*route[1:], route[0])):
        target = tmp_path / f"{number}"
        convert_model(place, target, layout, None, codes)
        place = target
    assert contents(place) == contents(first)
    assert read_model(place).vocabulary == read_model(source).vocabulary
    assert read_model(place).description.causal is causal


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("route", [(), ("original",), ("xlm",), ("hugging-face", "xlm")])
def test_transformers_has_our_logits_after_each_conversion(
    codes: Path,
    tmp_path: Path,
    route: tuple[str, ...],
    causal: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A causal model was published as such and then refused; seen both ways it is another."""
    place = written(tmp_path / "source.pth", causal=causal)
    for number, layout in enumerate((*route, "hugging-face")):
        target = tmp_path / f"{number}"
        convert_model(place, target, layout, None, codes)
        place = target
    kind = "causal" if causal else "masked"
    assert f"{place}: {kind} language model, layout hugging-face" in capsys.readouterr().out
    theirs = XLMWithLMHeadModel.from_pretrained(place).eval()
    model = small_model(causal=causal)
    encoder = Encoder(model.description).eval()
    set_encoder_weights(encoder, model.weights)
    tokens_BT = torch.tensor([[1, 14, 15, 17, 20, 1]])
    languages_BT = torch.full_like(tokens_BT, 9)
    with torch.no_grad():
        expected_BTV = theirs(input_ids=tokens_BT, langs=languages_BT).logits
        same_BTV, other_BTV = (
            encoder.predict(encoder(tokens_BT, languages_BT, causal=which))
            for which in (causal, not causal)
        )
    assert (same_BTV - expected_BTV).abs().max() < 1e-5
    assert (other_BTV - expected_BTV).abs().max() > 1e-2


def test_a_classifier_keeps_every_weight_that_both_have(tmp_path: Path) -> None:
    model = small_model(classifier=True)
    write_original(tmp_path / "tuned.pth", model)
    convert_model(tmp_path / "tuned.pth", tmp_path / "hf", "hugging-face", None, None)
    theirs, report = XLMForSequenceClassification.from_pretrained(
        tmp_path / "hf", output_loading_info=True
    )
    assert not any(report.values())
    convert_model(tmp_path / "hf", tmp_path / "ours", "xlm", None, None)
    ours = load_classifier(tmp_path / "ours")
    assert torch.equal(ours.linear.weight, theirs.sequence_summary.summary.weight)
    assert torch.equal(ours.linear.weight, model.weights["proj.1.weight"])
    assert ours.encoder.pred_layer.proj.bias.abs().max() == 0
    convert_model(tmp_path / "ours", tmp_path / "again", "hugging-face", None, None)
    assert contents(tmp_path / "again") == contents(tmp_path / "hf")


def test_codes_are_found_in_the_store_as_the_vocabulary_is(
    source: Path, codes: Path, tmp_path: Path
) -> None:
    """A pretrain artifact holds neither: both lie in artifacts of the same store."""
    stages = tmp_path / "store"
    pretrained = stages / "pretrain" / "key"
    convert_model(source, pretrained, "xlm", None, codes)
    for name, stage in (("vocabulary.json", "vocabulary"), ("codes", "learn-bpe")):
        (stages / stage / "key").mkdir(parents=True)
        (pretrained / name).rename(stages / stage / "key" / name)
        write_manifest(stages / stage / "key", stage)
    other = stages / "learn-bpe" / "another"
    other.mkdir()
    (other / "codes").write_bytes(b"a b 1\n")
    convert_model(pretrained, tmp_path / "hf", "hugging-face", None, None)
    tokenizer = XLMTokenizer.from_pretrained(tmp_path / "hf")
    assert tokenizer.bpe_ranks == {("h", "e"): 0, ("he", "y</w>"): 1}
    (stages / "learn-bpe" / "key" / "codes").unlink()
    convert_model(pretrained, tmp_path / "bare", "hugging-face", None, None)
    assert not (tmp_path / "bare" / "merges.txt").exists()


def test_a_folder_of_models_names_them(source: Path, codes: Path, tmp_path: Path) -> None:
    """The folder of a publish artifact holds classifier/ and masked-lm/."""
    for name in ("classifier", "masked-lm"):
        convert_model(source, tmp_path / "published" / name, "hugging-face", None, codes)
    folder = tmp_path / "published"
    with pytest.raises(DataError) as caught:
        convert_model(folder, tmp_path / "out", "xlm", None, None)
    assert str(caught.value) == (
        f"{folder} is not a model, but holds classifier and masked-lm; "
        f"give one of them: {folder / 'classifier'}"
    )


def test_a_folder_above_the_models_of_a_store_names_them(
    source: Path, codes: Path, tmp_path: Path
) -> None:
    stage = tmp_path / "artifacts" / "publish"
    for name in ("classifier", "masked-lm"):
        convert_model(source, stage / "KEY" / name, "hugging-face", None, codes)
    with pytest.raises(DataError, match=r"is not a model, but holds KEY/classifier and KEY/mask"):
        convert_model(stage, tmp_path / "out", "xlm", None, None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty/config\.json does not exist; give a \.pth file"):
        convert_model(tmp_path / "empty", tmp_path / "out", "xlm", None, None)
    (tmp_path / "empty" / "config.json").mkdir()
    with pytest.raises(DataError, match=r"config\.json is no regular file; give a \.pth file"):
        convert_model(tmp_path / "empty", tmp_path / "out", "xlm", None, None)


def test_a_damaged_vocabulary_of_another_run_hides_nothing(
    source: Path, codes: Path, tmp_path: Path
) -> None:
    stages = tmp_path / "store"
    convert_model(source, stages / "pretrain" / "key", "xlm", None, codes)
    shelf = stages / "vocabulary"
    for key, content in (("a", b"{"), ("b", b"[]"), ("c", b'{"hash": 5}')):
        (shelf / key).mkdir(parents=True)
        (shelf / key / "vocabulary.json").write_bytes(content)
    (shelf / "key").mkdir()
    (stages / "pretrain" / "key" / "vocabulary.json").rename(shelf / "key" / "vocabulary.json")
    write_manifest(shelf / "key", "vocabulary")
    convert_model(stages / "pretrain" / "key", tmp_path / "out", "xlm", None, None)
    assert (tmp_path / "out" / "vocabulary.json").exists()


def test_a_folder_for_the_codes_is_named(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--codes .*: a folder, not a file; give the path"):
        convert_model(source, tmp_path / "out", "hugging-face", None, tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("added_tokens.json", {"<new>": 99}),
        ("tokenizer_config.json", {"added_tokens_decoder": {"99": {"content": "<new>"}}}),
        ("tokenizer_config.json", {"additional_special_tokens": ["<new>"]}),
        ("tokenizer_config.json", {"extra_special_tokens": {"new": "<new>"}}),
        ("special_tokens_map.json", {"additional_special_tokens": [{"content": "<new>"}]}),
        ("tokenizer.json", {"added_tokens": [{"id": 99, "content": "<new>"}, 5, None]}),
    ],
)
def test_a_folder_with_added_tokens_is_named(
    source: Path, codes: Path, tmp_path: Path, name: str, content: dict[str, object]
) -> None:
    folder = tmp_path / "hf"
    convert_model(source, folder, "hugging-face", None, codes)
    XLMTokenizer.from_pretrained(folder).save_pretrained(folder)  # its own special tokens are fine
    read_model(folder)
    (folder / name).write_text(json.dumps(content))
    with pytest.raises(DataError, match="tokens that were added to its tokenizer: '<new>'; give"):
        convert_model(folder, tmp_path / "out", "xlm", None, None)


def test_a_translation_model_is_named(tmp_path: Path) -> None:
    content = original_content(small_model(), tmp_path)
    content["encoder"] = content["decoder"] = content.pop("model")
    path = save(content, tmp_path / "mt.pth")
    with pytest.raises(DataError) as caught:
        convert_model(path, tmp_path / "out", "xlm", None, None)
    assert str(caught.value) == (
        f"{path} is a translation model of XLM, with an encoder and a decoder; "
        "give the checkpoint of the language model that it started from"
    )


def test_our_folder_loads_as_an_artifact_and_theirs_in_transformers(
    source: Path, codes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    convert_model(source, tmp_path / "ours", "xlm", None, codes)
    encoder = load_encoder(tmp_path / "ours").eval()
    assert (tmp_path / "ours" / "codes").read_bytes() == CODES
    convert_model(tmp_path / "ours", tmp_path / "hf", "hugging-face", None, None)
    theirs, report = XLMWithLMHeadModel.from_pretrained(tmp_path / "hf", output_loading_info=True)
    assert not any(report.values())
    tokenizer = XLMTokenizer.from_pretrained(tmp_path / "hf")
    assert tokenizer.bpe_ranks == {("h", "e"): 0, ("he", "y</w>"): 1}
    assert tokenizer.convert_tokens_to_ids(["the</w>", "", "a"]) == [14, 16, 15]
    tokens_BT = torch.tensor([[1, 14, 15, 17, 1]])
    languages_BT = torch.full_like(tokens_BT, 9)
    with torch.no_grad():
        ours = encoder.predict(encoder(tokens_BT, languages_BT))
        expected = theirs.eval()(input_ids=tokens_BT, langs=languages_BT).logits
    assert (ours - expected).abs().max() < 1e-4
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2
    assert printed[1].startswith(f"{tmp_path / 'hf'}: masked language model, layout hugging-face")


@pytest.mark.parametrize("causal", [False, True])
def test_an_original_of_ours_becomes_theirs_by_renaming_alone(tmp_path: Path, causal: bool) -> None:
    """What transformers' own conversion of the original's checkpoints does."""
    content = torch.load(written(tmp_path / "source.pth", causal=causal), weights_only=True)
    plain = {n: v for n, v in content["params"].items() if not isinstance(v, torch.Tensor)}
    theirs = XLMWithLMHeadModel(XLMConfig(**plain))
    renamed = {
        name if "pred_layer" in name else f"transformer.{name}": tensor
        for name, tensor in content["model"].items()
    }
    theirs.load_state_dict(renamed, strict=True)
    assert theirs.config.lang2id["sw"] == 9
    assert theirs.transformer.causal is causal


def test_a_file_without_dictionary_needs_the_vocabulary(tmp_path: Path) -> None:
    model = small_model()
    content = original_content(model, tmp_path)
    for name in ("dico_id2word", "dico_word2id", "dico_counts"):
        del content[name]
    path = save(content, tmp_path / "bare.pth")
    with pytest.raises(DataError, match="does not say what its ids mean; give --vocabulary"):
        convert_model(path, tmp_path / "out", "xlm", None, None)
    for name, words in (("right", None), ("short", ("a", "b"))):
        (tmp_path / name).mkdir()
        known = small_model().vocabulary if words is None else small_model(words).vocabulary
        assert known is not None
        write_vocabulary(known, tmp_path / name)
    with pytest.raises(DataError, match=r"short has 16 ids and hash \w+, the model's vocabulary"):
        convert_model(path, tmp_path / "out", "xlm", tmp_path / "short", None)
    convert_model(path, tmp_path / "out", "xlm", tmp_path / "right", None)
    assert read_model(tmp_path / "out").vocabulary == model.vocabulary


def test_counts_that_a_folder_lacks_come_from_the_vocabulary_and_are_told(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    convert_model(source, tmp_path / "hf", "hugging-face", None, None)
    assert "note: no tokenizer: its codes are not known (--codes)" in capsys.readouterr().out
    (tmp_path / "hf" / "vocabulary.json").rename(tmp_path / "vocabulary.json")
    convert_model(tmp_path / "hf", tmp_path / "without.pth", "original", None, None)
    assert "counts of its tokens are not known: all are 0" in capsys.readouterr().out
    convert_model(tmp_path / "hf", tmp_path / "with.pth", "original", tmp_path, None)
    assert contents(tmp_path / "with.pth") == contents(source)


def test_codes_of_another_vocabulary_are_refused(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(CODES + b"\nx y 3\n")
    with pytest.raises(DataError, match="give codes and vocabulary of one run"):
        convert_model(source, tmp_path / "out", "hugging-face", None, other)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_existing_target_stays_as_it_is(source: Path, tmp_path: Path, layout: str) -> None:
    target = tmp_path / "there"
    target.write_bytes(b"mine")
    with pytest.raises(ConfigError, match="there exists; remove it"):
        convert_model(source, target, layout, None, None)
    assert target.read_bytes() == b"mine"
    target.unlink()
    target.mkdir()
    with pytest.raises(ConfigError, match="there exists; remove it"):
        convert_model(source, target, layout, None, None)
    assert list(target.iterdir()) == []


@contextmanager
def files_up_to(size_bytes: int) -> Iterator[None]:
    """A disk that fills up: no file of this process may become larger."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_conversion_that_fails_half_way_leaves_nothing(
    source: Path, tmp_path: Path, layout: str
) -> None:
    """safetensors says a full disk with an error of its own, which was a traceback."""
    home = tmp_path / "home"
    with files_up_to(4096), pytest.raises(DataError, match=r"out cannot be written: .*too large"):
        convert_model(source, home / "out", layout, None, None)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_artifact_that_diverged_is_refused(source: Path, tmp_path: Path, layout: str) -> None:
    convert_model(source, tmp_path / "ours", "xlm", None, None)
    file = tmp_path / "ours" / "model.safetensors"
    weights = load_file(file)
    weights["layer_norm_emb.bias"][3] = float("nan")
    save_file(weights, file)
    with pytest.raises(DataError, match=r"ours: weight 'layer_norm_emb\.bias' is not finite"):
        convert_model(tmp_path / "ours", tmp_path / "out", layout, None, None)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_target_below_a_file_is_told_in_one_line(
    source: Path, tmp_path: Path, layout: str
) -> None:
    """Removing what was never there hid the error behind a traceback of its own."""
    before = contents(source)
    printed = xlm(tmp_path, "convert", str(source), str(source / "x"), "--to", layout, code=1)
    assert printed == f"xlm: {source / 'x'}: Not a directory; write to another place\n"
    assert contents(source) == before


@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_are_as_long_as_the_file_system_lets_them(
    source: Path, tmp_path: Path, layout: str
) -> None:
    longest, longer = tmp_path / ("n" * 255), tmp_path / ("n" * 256)
    convert_model(source, longest, layout, None, None)
    assert read_model(longest).vocabulary == read_model(source).vocabulary
    with pytest.raises(ConfigError, match="n: File name too long; write to another place"):
        convert_model(source, longer, layout, None, None)
    with pytest.raises(DataError, match=r"n: File name too long; give a \.pth file"):
        convert_model(longer, tmp_path / "out", layout, None, None)
    with pytest.raises(DataError, match=r"--vocabulary .*n: no vocabulary\.json there .*too long"):
        convert_model(source, tmp_path / "out", layout, longer, None)
    with pytest.raises(DataError, match=r"--codes .*n: File name too long; check the path"):
        convert_model(source, tmp_path / "out", layout, None, longer)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"t h 9\nth e</w> 8\nh \xc3\xa9 7\nh\xc3\xa9 \xc3\xa9</w> 6", ""),
        (
            b"the 20\na@@ 10\n",
            "line 1: not `left right count`, but a token and its count: 'the",
        ),
        (b"", "holds no merge"),
        (b"\x80\x04\x95" * 4000, "line 1: not UTF-8: "),
        (b"q u 9\nqu e</w> 8\n", "make 0 of the vocabulary's 3 tokens of several characters"),
        (b"t h 9\nth e</w> 8\n", "make 1 of the vocabulary's 3 .* characters, not 'héé'"),
    ],
)
def test_without_a_hash_codes_must_make_the_tokens(tmp_path: Path, given: bytes, said: str) -> None:
    """A .pth of the original has no hash of its codes: any file became its merges.txt."""
    words = ("the", "a@@", "@@", "b", "héé", "hé@@")
    write_original(tmp_path / "source.pth", small_model(words))
    codes, out = tmp_path / "codes", tmp_path / "out"
    codes.write_bytes(given)
    if not said:
        convert_model(tmp_path / "source.pth", out, "hugging-face", None, codes)
        assert (out / "merges.txt").read_bytes() == given + b"\n"
        return
    with pytest.raises(DataError, match=said) as caught:
        convert_model(tmp_path / "source.pth", out, "hugging-face", None, codes)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert not out.exists()


def test_the_command_converts_and_says_a_mistake_in_one_line(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder"
    printed = xlm(tmp_path, "convert", str(source), str(target), "--to", "hugging-face")
    assert printed.startswith(f"{target}: masked language model, layout hugging-face, 2 layers")
    assert json.loads((target / "config.json").read_text())["n_words"] == 24
    printed = xlm(tmp_path, "convert", str(source), str(target), "--to", "hugging-face", code=1)
    assert printed == f"xlm: {target} exists; remove it, or write to another place\n"


def test_an_unknown_layout_is_told_with_the_nearest(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'hugging-face'"):
        convert_model(source, tmp_path / "out", "hugginface", None, None)


@pytest.mark.parametrize("content", [b"", b"a n 459\n", b"PK\x03\x04", b"languages: [en]\n"])
def test_a_file_that_is_no_checkpoint_is_named_without_jargon(
    tmp_path: Path, content: bytes
) -> None:
    """It said `IndexError: pop from empty list` and to fetch the file again."""
    path = tmp_path / "codes"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        convert_model(path, tmp_path / "out", "xlm", None, None)
    assert str(caught.value) == (
        f"{path} is no whole file of torch.save; give a .pth file of the original; "
        "if it is one, it is damaged: fetch it again"
    )
