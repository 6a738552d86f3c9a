"""Models with BPE merges, in every format that has them."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.model.formats.portable_models import small_model
from xlm.bpe.apply import BpeApplier
from xlm.bpe.counting import count_line_tokens
from xlm.bpe.vocabulary import write_vocabulary
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.hugging_face.folder import write_hugging_face
from xlm.model.formats.original import write_original
from xlm.model.formats.ours import save_weights
from xlm.release.tokenizer import write_tokenizer

CODES = "l o 9\nlo w</w> 8\nn e 7\nne w</w> 6\ne r</w> 5\n"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
TEXT = ["low new newer lower", "low low new", "lowest owl now", *LETTERS, LETTERS, LETTERS[::-1]]
LAYOUTS = ("original", "hugging-face", "xlm")


def model_with_merges(folder: Path, **sizes: int) -> PortableModel:
    """A small model of the tokens of `TEXT`; its vocabulary does not know its merges."""
    codes = folder / "codes.txt"
    codes.write_text(CODES)
    counts: Counter[str] = count_line_tokens(BpeApplier(codes).lines(TEXT))
    codes.unlink()
    words = tuple(token for token, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0])))
    return small_model(words, tuple(XNLI_LANGUAGES), **sizes)


def write_source(folder: Path, layout: str, model: PortableModel, codes: str = CODES) -> Path:
    """Write the model with its merges where the layout has them; returns its path."""
    assert model.vocabulary is not None
    folder.mkdir(parents=True)
    if layout == "original":
        write_original(folder / "model.pth", model)
        (folder / "codes_mine").write_text(codes)
        return folder / "model.pth"
    if layout == "hugging-face":
        write_hugging_face(folder, model)
        write_tokenizer(
            folder,
            tokens=model.vocabulary.tokens,
            merges=codes.encode(),
            languages=model.description.languages,
            positions=model.description.model.max_positions,
        )
        return folder
    save_weights(folder, model.description, model.weights)
    write_vocabulary(replace(model.vocabulary, codes_hash=""), folder)
    (folder / "codes").write_text(codes)
    return folder
