"""`xlm.load`: every kind of model, with merges and vocabulary where they lie."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import XLMTokenizer, XLMWithLMHeadModel

import xlm
from tests.inference.small_models import LANGUAGES, TEXTS
from tests.release.artifacts import write_manifest
from xlm.bpe.vocabulary import write_vocabulary
from xlm.cli.convert import convert_model
from xlm.errors import ConfigError, DataError
from xlm.inference.load import load
from xlm.inference.model import Model

TEXT = TEXTS["zh"][1]


@pytest.fixture
def checkpoint(release: Path, tmp_path: Path) -> Path:
    """A checkpoint of the original, next to its merges."""
    path = tmp_path / "original" / "model.pth"
    convert_model(release / "masked-lm", path, "original", None, None)
    shutil.copy(release / "masked-lm" / "merges.txt", path.parent / "codes_small")
    return path


def same(model: Model, other: Model) -> bool:
    vectors = [one.embed(TEXT, language="zh") for one in (model, other)]
    return bool(np.allclose(*vectors, atol=1e-5))


def test_a_published_folder_has_one_model_and_its_artifact_both(
    model: Model, release: Path
) -> None:
    assert (model.languages, len(model.labels)) == (LANGUAGES, 3)
    assert (model.has_classifier, model.has_mask_head) == (True, True)
    masked, classifier = load(release / "masked-lm"), load(str(release / "classifier"))
    assert (masked.has_classifier, masked.has_mask_head, masked.labels) == (False, True, ())
    assert (classifier.has_classifier, classifier.has_mask_head) == (True, False)
    assert same(model, masked)
    assert not same(model, classifier)
    pair = TEXTS["zh"]
    assert classifier.predict(*pair, language="zh") == model.predict(*pair, language="zh")
    assert repr(masked).endswith(
        "layers of 32, ar bg de el en es fr hi ru sw th tr ur vi zh, masks>"
    )


def test_the_original_finds_its_merges_next_to_it(model: Model, checkpoint: Path) -> None:
    found = load(checkpoint)
    assert same(model, found)
    assert found.fill_mask("<mask>", language="sw") == model.fill_mask("<mask>", language="sw")


def test_weights_are_at_even_addresses_whatever_the_format(
    model: Model, checkpoint: Path, release: Path
) -> None:
    """Regression: on some processors, a folder and its `.pth` file had other last digits."""
    for one in (model, load(checkpoint), load(release / "masked-lm")):
        assert all(weight.data_ptr() % 64 == 0 for weight in one.encoder.parameters())


def test_merges_of_another_model_are_not_used(
    checkpoint: Path, caplog: pytest.LogCaptureFixture
) -> None:
    codes = checkpoint.parent / "codes_small"
    good = codes.read_bytes()
    codes.write_bytes(b"q w 9\nqw e</w> 4\n")
    fix = re.escape(f"the BPE merges of {checkpoint} are not known; pass their file (--codes FILE)")
    with pytest.raises(DataError, match=fix):
        load(checkpoint)
    assert "codes_small is not used: the merges of" in caplog.text
    with pytest.raises(DataError, match="produce 0 of the vocabulary's"):
        load(checkpoint, codes=codes)
    (checkpoint.parent / "codes_right").write_bytes(good)
    assert load(checkpoint).has_mask_head


def test_an_artifact_finds_its_parts_and_its_rules_in_its_store(
    model: Model, checkpoint: Path, tmp_path: Path
) -> None:
    stages = tmp_path / "artifacts"
    pretrained = stages / "pretrain" / "key"
    codes = checkpoint.parent / "codes_small"
    convert_model(checkpoint, pretrained, "xlm", None, codes)
    for name, stage in (("vocabulary.json", "vocabulary"), ("codes", "learn-bpe")):
        (stages / stage / "key").mkdir(parents=True)
        (pretrained / name).rename(stages / stage / "key" / name)
    settings = {
        "text": {"segmenters": {}},
        "declared_languages": [{"code": "sw", "tokenizer": "fr"}],
    }
    write_manifest(pretrained, "pretrain", resolved_config=settings)
    for stage in ("vocabulary", "learn-bpe"):
        write_manifest(stages / stage / "key", stage)
    with pytest.raises(DataError, match=r"the BPE merges of .*pretrain/key are not known"):
        load(pretrained)  # the vocabulary has no hash of its merges
    found = load(pretrained, codes=stages / "learn-bpe" / "key" / "codes")
    assert same(model, found) is False  # that run had no segmenter for Chinese
    (french,) = found.encode(["L'amour"], language="sw")
    assert french.tolist() == model.encode(["L'amour"], language="fr")[0].tolist()
    again = load(
        pretrained, codes=stages / "learn-bpe" / "key" / "codes", segmenters={"zh": "jieba"}
    )
    assert same(model, again)


def test_vocabulary_and_merges_can_be_given(model: Model, release: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(release / "masked-lm", tmp_path / "bare")
    (folder / "vocab.json").unlink()
    codes = (folder / "merges.txt").rename(tmp_path / "my-merges")
    with pytest.raises(DataError, match=r"vocabulary of .*bare is not known; pass its file"):
        load(folder)
    counts = tmp_path / "counts"
    pairs = zip(model.vocabulary.tokens[14:], range(10**6, 0, -1), strict=False)
    counts.write_text("".join(f"{token} {count}\n" for token, count in pairs), encoding="utf-8")
    assert same(model, load(folder, vocabulary=counts, codes=codes))
    write_vocabulary(model.vocabulary, tmp_path)
    assert same(model, load(folder, vocabulary=tmp_path, codes=codes))
    with pytest.raises(DataError, match="absent cannot be read: No such file or directory"):
        load(folder, vocabulary=tmp_path / "absent", codes=codes)
    counts.write_text("a 3\n", encoding="utf-8")
    with pytest.raises(DataError, match="counts has 15 ids"):
        load(folder, vocabulary=counts, codes=codes)


def test_a_cased_tokenizer_keeps_case(model: Model, release: Path, tmp_path: Path) -> None:
    """As that of xlm-mlm-17-1280."""
    folder = shutil.copytree(release / "masked-lm", tmp_path / "cased")
    path = folder / "tokenizer_config.json"
    path.write_text(path.read_text().replace('accent": true', 'accent": false'))
    upper, lower = (load(folder).encode([text], language="en")[0] for text in ("THE", "the"))
    assert upper.tolist() != lower.tolist()
    assert model.encode(["THE"], language="en")[0].tolist() == lower.tolist()


def test_a_folder_that_transformers_saved_again_has_the_same_ids(
    model: Model, release: Path, tmp_path: Path
) -> None:
    """Its merges.txt has no counts and no header, unlike that of any other program."""
    source, folder = release / "masked-lm", tmp_path / "again"
    XLMTokenizer.from_pretrained(source).save_pretrained(folder)
    XLMWithLMHeadModel.from_pretrained(source).save_pretrained(folder)
    lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
    assert {len(line.split(" ")) for line in lines} == {2}
    again = load(folder)
    for language, texts in TEXTS.items():
        for ours, theirs in zip(
            model.encode(texts, language=language),
            again.encode(texts, language=language),
            strict=True,
        ):
            assert ours.tolist() == theirs.tolist()
    assert same(model, again)


def test_merges_of_another_model_in_the_folder_are_refused(release: Path, tmp_path: Path) -> None:
    """They would split every word into unknown tokens."""
    folder = shutil.copytree(release / "masked-lm", tmp_path / "mixed")
    for content in ("q w 9\nqw e</w> 4\n", "q w\nqw e</w>\n"):
        (folder / "merges.txt").write_text(content)
        with pytest.raises(DataError, match=r"the merges of .*merges.txt produce 0 of the vocab"):
            load(folder)


def test_devices_that_are_not_there_are_refused(release: Path) -> None:
    with pytest.raises(ConfigError, match=r"device 'cuda:77' is not available: .*; use cpu"):
        load(release, device="cuda:77")
    with pytest.raises(ConfigError, match="unknown device 'gpu'; use cpu, cuda or auto"):
        load(release, device="gpu")
    assert load(release / "masked-lm", device="auto").device.type in ("cpu", "cuda")


def test_wrong_segmenters_are_refused_when_the_model_is_loaded(release: Path) -> None:
    with pytest.raises(ConfigError, match="unknown segmenter 'jeiba'; did you mean 'jieba'"):
        load(release, segmenters={"zh": "jeiba"})
    with pytest.raises(ConfigError, match="segmenters: the model has no language 'ja'"):
        load(release, segmenters={"ja": "icu"})


def test_import_xlm_is_instant_and_names_what_is_public() -> None:
    code = (
        "import sys, xlm\n"
        "assert set(xlm.__all__) <= set(dir(xlm))\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules\n"
        "xlm.XlmError\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert all(getattr(xlm, name).__module__.startswith("xlm.") for name in xlm.__all__)
    with pytest.raises(AttributeError, match="module 'xlm' has no attribute 'absent'"):
        _ = xlm.absent  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", [None, 3, ["model"]])
def test_a_path_of_another_type_is_refused(path: Any) -> None:
    with pytest.raises(ConfigError, match=r"the path of the model is .*; pass a string or a Path"):
        load(path)


@pytest.mark.parametrize("segmenters", ["jieba", {"en": None}, [("zh", "jieba")]])
def test_segmenters_of_another_type_are_refused(release: Path, segmenters: Any) -> None:
    with pytest.raises(ConfigError, match=r"segmenters is .*; map languages to names"):
        load(release, segmenters=segmenters)
