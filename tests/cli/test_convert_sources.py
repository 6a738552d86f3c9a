"""`xlm convert`: missing parts of a source are found, given as options, or named in one line."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from transformers import XLMTokenizer

from tests.cli.convertible import CODES, LAYOUTS, contents
from tests.model.formats.portable_models import original_content, save, small_model
from tests.release.artifacts import write_manifest
from xlm.bpe.vocabulary import write_vocabulary
from xlm.cli.convert import convert_model
from xlm.errors import DataError
from xlm.model.formats.original import write_original
from xlm.model.formats.sources import read_model


def test_codes_are_found_in_the_store_as_the_vocabulary_is(
    source: Path, codes: Path, tmp_path: Path
) -> None:
    """A pretrain artifact contains neither: both are in artifacts of the same store."""
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
    """The folder of a publish artifact contains classifier/ and masked-lm/."""
    for name in ("classifier", "masked-lm"):
        convert_model(source, tmp_path / "published" / name, "hugging-face", None, codes)
    folder = tmp_path / "published"
    with pytest.raises(DataError) as caught:
        convert_model(folder, tmp_path / "out", "xlm", None, None)
    assert str(caught.value) == (
        f"{folder} is not a model, but contains classifier and masked-lm; "
        f"use one of them: {folder / 'classifier'}"
    )


def test_a_folder_above_the_models_of_a_store_names_them(
    source: Path, codes: Path, tmp_path: Path
) -> None:
    stage = tmp_path / "artifacts" / "publish"
    for name in ("classifier", "masked-lm"):
        convert_model(source, stage / "KEY" / name, "hugging-face", None, codes)
    with pytest.raises(
        DataError, match=r"is not a model, but contains KEY/classifier and KEY/mask"
    ):
        convert_model(stage, tmp_path / "out", "xlm", None, None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty/config\.json does not exist; use a \.pth file"):
        convert_model(tmp_path / "empty", tmp_path / "out", "xlm", None, None)
    (tmp_path / "empty" / "config.json").mkdir()
    with pytest.raises(DataError, match=r"config\.json is not a regular file; use a \.pth file"):
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
    with pytest.raises(DataError, match=r"--codes .* is a folder; pass the path"):
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
    with pytest.raises(DataError, match="tokens were added to its tokenizer: '<new>'; use"):
        convert_model(folder, tmp_path / "out", "xlm", None, None)


def test_a_translation_model_is_named(tmp_path: Path) -> None:
    content = original_content(small_model(), tmp_path)
    content["encoder"] = content["decoder"] = content.pop("model")
    path = save(content, tmp_path / "mt.pth")
    with pytest.raises(DataError) as caught:
        convert_model(path, tmp_path / "out", "xlm", None, None)
    assert str(caught.value) == (
        f"{path} is a translation model with an encoder and a decoder; "
        "use the checkpoint of the language model that it started from"
    )


def test_a_file_without_dictionary_needs_the_vocabulary(tmp_path: Path) -> None:
    model = small_model()
    content = original_content(model, tmp_path)
    for name in ("dico_id2word", "dico_word2id", "dico_counts"):
        del content[name]
    path = save(content, tmp_path / "bare.pth")
    with pytest.raises(DataError, match="has no vocabulary; pass --vocabulary"):
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


def test_missing_counts_come_from_the_vocabulary_and_are_reported(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    convert_model(source, tmp_path / "hf", "hugging-face", None, None)
    assert (
        "note: no tokenizer was written: its BPE merges are not known (--codes)"
        in capsys.readouterr().out
    )
    (tmp_path / "hf" / "vocabulary.json").rename(tmp_path / "vocabulary.json")
    convert_model(tmp_path / "hf", tmp_path / "without.pth", "original", None, None)
    assert "token counts are not known, so all are 0" in capsys.readouterr().out
    convert_model(tmp_path / "hf", tmp_path / "with.pth", "original", tmp_path, None)
    assert contents(tmp_path / "with.pth") == contents(source)


def test_codes_of_another_vocabulary_are_refused(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(CODES + b"\nx y 3\n")
    with pytest.raises(DataError, match="use the codes file and the vocabulary of one run"):
        convert_model(source, tmp_path / "out", "hugging-face", None, other)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_artifact_that_diverged_is_refused(source: Path, tmp_path: Path, layout: str) -> None:
    convert_model(source, tmp_path / "ours", "xlm", None, None)
    file = tmp_path / "ours" / "model.safetensors"
    weights = load_file(file)
    weights["layer_norm_emb.bias"][3] = float("nan")
    save_file(weights, file)
    with pytest.raises(DataError, match=r"ours: weight 'layer_norm_emb\.bias' is not finite"):
        convert_model(tmp_path / "ours", tmp_path / "out", layout, None, None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (b"t h 9\nth e</w> 8\nh \xc3\xa9 7\nh\xc3\xa9 \xc3\xa9</w> 6", ""),
        (
            b"the 20\na@@ 10\n",
            "line 1: not `left right count` but a token and its count: 'the",
        ),
        (b"", "contains no merges"),
        (b"\x80\x04\x95" * 4000, "line 1: not UTF-8: "),
        (
            b"q u 9\nqu e</w> 8\n",
            "produce 0 of the vocabulary's 3 tokens of two or more characters",
        ),
        (b"t h 9\nth e</w> 8\n", "produce 1 of the vocabulary's 3 .* characters, not 'héé'"),
    ],
)
def test_without_a_hash_codes_must_make_the_tokens(
    tmp_path: Path, given: bytes, message: str
) -> None:
    """A .pth of the original has no hash of its BPE merges: any file became its merges.txt."""
    words = ("the", "a@@", "@@", "b", "héé", "hé@@")
    write_original(tmp_path / "source.pth", small_model(words))
    codes, out = tmp_path / "codes", tmp_path / "out"
    codes.write_bytes(given)
    if not message:
        convert_model(tmp_path / "source.pth", out, "hugging-face", None, codes)
        assert (out / "merges.txt").read_bytes() == given + b"\n"
        return
    with pytest.raises(DataError, match=message) as caught:
        convert_model(tmp_path / "source.pth", out, "hugging-face", None, codes)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert not out.exists()


@pytest.mark.parametrize("content", [b"", b"a n 459\n", b"PK\x03\x04", b"languages: [en]\n"])
def test_a_file_that_is_not_a_checkpoint_is_named_without_jargon(
    tmp_path: Path, content: bytes
) -> None:
    """The error was `IndexError: pop from empty list`, and advised to download the file again."""
    path = tmp_path / "codes"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        convert_model(path, tmp_path / "out", "xlm", None, None)
    assert str(caught.value) == (
        f"{path} is not a complete file of torch.save; use a .pth file of the original; "
        "if it is one, it is damaged: download it again"
    )
