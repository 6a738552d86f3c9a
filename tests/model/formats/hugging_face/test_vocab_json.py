"""The vocabulary of a Hugging Face folder."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.formats.portable_models import small_model
from xlm.bpe.vocabulary import SPECIAL_TOKENS, write_vocabulary
from xlm.errors import DataError
from xlm.model.formats.hugging_face.folder import read_hugging_face, write_hugging_face
from xlm.model.formats.hugging_face.vocab_json import read_vocab_json, write_vocab_json


def test_our_vocabulary_next_to_vocab_json_keeps_counts_and_merges(tmp_path: Path) -> None:
    model = small_model(codes_hash="ab" * 32)
    assert model.vocabulary is not None
    write_hugging_face(tmp_path, model)
    write_vocabulary(model.vocabulary, tmp_path)
    assert read_hugging_face(tmp_path).vocabulary == model.vocabulary
    write_vocab_json(tmp_path, model.vocabulary.tokens[::-1])
    with pytest.raises(DataError, match=r"vocab\.json and vocabulary\.json differ"):
        read_hugging_face(tmp_path)


@pytest.mark.parametrize(
    "ids", [{"<s>": 0, "</s>": 2}, {"<s>": 0, "a": 0}, {"<s>": "0"}, {"<s>": [0]}]
)
def test_a_vocab_json_with_missing_ids_is_refused(tmp_path: Path, ids: dict[str, object]) -> None:
    (tmp_path / "vocab.json").write_text(json.dumps(ids))
    with pytest.raises(DataError, match="no token has id"):
        read_vocab_json(tmp_path / "vocab.json")


tokens = st.lists(
    st.text("ab@é</w>", min_size=1, max_size=6).filter(
        # The format has no escape for a literal end-of-word mark.
        lambda token: not token.endswith("</w>@@")
    ),
    unique=True,
    max_size=12,
)


@settings(deadline=None)
@given(tokens)
def test_a_vocab_json_gives_our_tokens_back(words: list[str]) -> None:
    """The bare `@@` becomes the empty string, and `@@` again."""
    known = [*SPECIAL_TOKENS, *words, *["@@"] * ("@@" not in words)]
    with TemporaryDirectory() as folder:
        write_vocab_json(Path(folder), known)
        assert read_vocab_json(Path(folder) / "vocab.json").tokens == tuple(known)
