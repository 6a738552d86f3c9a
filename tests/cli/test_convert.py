"""`xlm convert`: every format to every other and back, bit for bit, completely or not at all."""

import itertools
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from transformers import XLMConfig, XLMForSequenceClassification, XLMTokenizer, XLMWithLMHeadModel

from tests.cli.convertible import CODES, LAYOUTS, contents, write_source
from tests.flows.console import xlm
from tests.model.formats.portable_models import small_model
from xlm.cli.convert import convert_model
from xlm.errors import ConfigError, DataError
from xlm.model.encoder import Encoder
from xlm.model.formats.original import write_original
from xlm.model.formats.ours import load_classifier, load_encoder, set_encoder_weights
from xlm.model.formats.sources import read_model


@pytest.mark.slow
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("route", list(itertools.permutations(LAYOUTS)))
def test_round_trips_in_every_order_keep_every_byte(
    codes: Path, tmp_path: Path, route: tuple[str, ...], causal: bool
) -> None:
    source, first = write_source(tmp_path / "source.pth", causal=causal), tmp_path / "first"
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
    """A causal model was published as such and then refused; with both directions it differs."""
    place = write_source(tmp_path / "source.pth", causal=causal)
    for number, layout in enumerate((*route, "hugging-face")):
        target = tmp_path / f"{number}"
        convert_model(place, target, layout, None, codes)
        place = target
    kind = "causal" if causal else "masked"
    assert f"{place}: {kind} language model, format hugging-face" in capsys.readouterr().out
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


def test_our_folder_loads_as_an_artifact_and_hugging_face_s_in_transformers(
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
    assert printed[1].startswith(f"{tmp_path / 'hf'}: masked language model, format hugging-face")


@pytest.mark.parametrize("causal", [False, True])
def test_our_original_becomes_a_hugging_face_model_only_by_renaming(
    tmp_path: Path, causal: bool
) -> None:
    """As in the conversion of original checkpoints in transformers."""
    content = torch.load(write_source(tmp_path / "source.pth", causal=causal), weights_only=True)
    plain = {n: v for n, v in content["params"].items() if not isinstance(v, torch.Tensor)}
    theirs = XLMWithLMHeadModel(XLMConfig(**plain))
    renamed = {
        name if "pred_layer" in name else f"transformer.{name}": tensor
        for name, tensor in content["model"].items()
    }
    theirs.load_state_dict(renamed, strict=True)
    assert theirs.config.lang2id["sw"] == 9
    assert theirs.transformer.causal is causal


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_existing_target_is_not_changed(source: Path, tmp_path: Path, layout: str) -> None:
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
    """A disk that becomes full: no file of this process may become larger."""
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
    """safetensors raises its own error for a full disk, which was a traceback."""
    home = tmp_path / "home"
    with files_up_to(4096), pytest.raises(DataError, match=r"out cannot be written: .*too large"):
        convert_model(source, home / "out", layout, None, None)
    assert list(home.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_target_below_a_file_is_one_line(source: Path, tmp_path: Path, layout: str) -> None:
    """Removing a folder that did not exist replaced the error by another traceback."""
    before = contents(source)
    printed = xlm(tmp_path, "convert", str(source), str(source / "x"), "--to", layout, code=1)
    assert printed == f"xlm: {source / 'x'}: Not a directory; choose another path\n"
    assert contents(source) == before


@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_can_be_as_long_as_the_file_system_allows(
    source: Path, tmp_path: Path, layout: str
) -> None:
    longest, longer = tmp_path / ("n" * 255), tmp_path / ("n" * 256)
    convert_model(source, longest, layout, None, None)
    assert read_model(longest).vocabulary == read_model(source).vocabulary
    with pytest.raises(ConfigError, match="n: File name too long; choose another path"):
        convert_model(source, longer, layout, None, None)
    with pytest.raises(DataError, match=r"n: File name too long; use a \.pth file"):
        convert_model(longer, tmp_path / "out", layout, None, None)
    with pytest.raises(DataError, match=r"n: vocabulary\.json cannot be read .*too long"):
        convert_model(source, tmp_path / "out", layout, longer, None)
    with pytest.raises(DataError, match=r"--codes .*n: File name too long; check the path"):
        convert_model(source, tmp_path / "out", layout, None, longer)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_command_converts_and_reports_a_mistake_in_one_line(
    source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "new" / "folder"
    printed = xlm(tmp_path, "convert", str(source), str(target), "--to", "hugging-face")
    assert printed.startswith(f"{target}: masked language model, format hugging-face, 2 layers")
    assert json.loads((target / "config.json").read_text())["n_words"] == 24
    printed = xlm(tmp_path, "convert", str(source), str(target), "--to", "hugging-face", code=1)
    assert printed == f"xlm: {target} exists; remove it, or choose another path\n"


def test_an_unknown_format_is_reported_with_the_nearest(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'hugging-face'"):
        convert_model(source, tmp_path / "out", "hugginface", None, None)
