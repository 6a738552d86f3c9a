"""Damaged model files and absurd sizes give one of our errors, in one line."""

import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.fuzzing import fuzz
from tests.model.formats.portable_models import refusal, small_model
from xlm.errors import DataError, XlmError
from xlm.model.formats.hugging_face.folder import read_hugging_face, write_hugging_face
from xlm.model.formats.hugging_face.vocab_json import huggingface_vocabulary
from xlm.model.formats.original import read_original
from xlm.model.formats.sources import read_model

SECONDS = 2.0


@pytest.fixture(autouse=True)
def bounded_memory() -> Iterator[None]:
    """Limit the memory of the process, so that a reader cannot allocate 8 GiB more."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (8 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = small_model()
    assert model.vocabulary is not None
    write_hugging_face(tmp_path, model)
    ids = json.dumps(huggingface_vocabulary(model.vocabulary.tokens), ensure_ascii=False)
    (tmp_path / "vocab.json").write_text(ids)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "vocab.json"])
def test_fuzz_files_of_a_folder(folder: Path, name: str) -> None:
    path = folder / name
    good = path.read_bytes()

    def read(data: bytes) -> None:
        path.write_bytes(data)
        read_hugging_face(folder)
        read_model(folder)

    words = (b'"n_layers"', b'"emb_dim"', b'"vocab_size"', b'"F32"', b'"data_offsets"', b"1e12")
    assert fuzz(read, [good], seconds=SECONDS, words=words) > 20


@pytest.mark.slow
def test_fuzz_a_checkpoint_of_the_original(content: dict[str, Any], tmp_path: Path) -> None:
    zipped, pickled = tmp_path / "zip.pth", tmp_path / "pickle.pth"
    torch.save(content, zipped)
    torch.save(content, pickled, _use_new_zipfile_serialization=False)
    path = tmp_path / "damaged.pth"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        read_original(path)

    samples = [zipped.read_bytes(), pickled.read_bytes()]
    assert fuzz(read, samples, seconds=SECONDS, words=(b"cposix\nsystem\n", b"ctorch\n")) > 20


HUGE: dict[str, object] = {
    "1e12": 1e12,
    "10^12": 10**12,
    "10^30": 10**30,
    "5,000 digits": 10**5000,
    "negative": -1,
    "nothing": 0,
    "infinite": float("inf"),
    "no number": float("nan"),
    "text": "1e12",
    "truth": True,
    "null": None,
    "list": [1],
}


@pytest.mark.slow
@pytest.mark.parametrize("key", ["emb_dim", "n_layers", "n_heads", "n_words"])
@pytest.mark.parametrize("value", HUGE.values(), ids=HUGE)
def test_absurd_sizes_of_a_folder_are_refused_in_one_line(
    folder: Path, key: str, value: object
) -> None:
    config = json.loads((folder / "config.json").read_bytes())
    if isinstance(value, int) and value > 10**4000:
        text = json.dumps(config | {key: "VALUE"}).replace('"VALUE"', "9" * 5000)
    else:
        text = json.dumps(config | {key: value})
    (folder / "config.json").write_text(text)
    with pytest.raises(XlmError) as caught:
        read_model(folder)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.slow
@pytest.mark.parametrize("key", ["emb_dim", "n_layers", "n_heads", "n_words"])
@pytest.mark.parametrize("value", HUGE.values(), ids=HUGE)
def test_absurd_sizes_of_a_checkpoint_are_refused_in_one_line(
    content: dict[str, Any], tmp_path: Path, key: str, value: object
) -> None:
    content["params"][key] = value
    message = refusal(content, tmp_path)
    assert "\n" not in message
    assert len(message) < 1000


def test_a_tensor_with_more_numbers_than_its_file_is_refused(
    content: dict[str, Any], tmp_path: Path
) -> None:
    """A copy of one number, repeated by a stride of 0, would take terabytes."""
    content["model"]["embeddings.weight"] = torch.zeros(1).expand(10**7, 10**5)
    path = tmp_path / "claims.pth"
    torch.save(content, path)
    with pytest.raises(DataError) as caught:
        read_original(path)
    assert "\n" not in str(caught.value)
