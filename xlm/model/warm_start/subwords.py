"""The BPE merges and the vocabulary of a model, for runs that take them over.

    found = read_subwords(Path("mlm_tlm_xnli15_1024.pth"))
    found.codes, found.vocabulary.tokens

Both are found where `xlm.model.formats` finds them: in a folder, in the `.pth` and next to it, or
in the store of an artifact.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from xlm.bpe.codes_file import read_merges
from xlm.bpe.vocabulary import Vocabulary
from xlm.errors import DataError
from xlm.model.formats.codes import find_codes
from xlm.model.formats.source_files import identity_of
from xlm.model.warm_start.sizes import missing_vocabulary


@dataclass(frozen=True)
class Subwords:
    """What turns words into ids."""

    codes: bytes
    """The merges, as lines of fastBPE."""
    vocabulary: Vocabulary
    """With the sha256 of `codes`."""


def read_subwords(source: Path) -> Subwords:
    """Read the merges and the vocabulary of a model; they must belong together.

    Raises:
        DataError: the model or its merges cannot be read, it has no merges, its merges do not
            produce its tokens, or its special tokens are not XLM's.
        TrainingError: it has no vocabulary.
    """
    vocabulary = _vocabulary(source, identity_of(source))
    if vocabulary is None:
        raise missing_vocabulary(str(source))
    found = find_codes(vocabulary, source, None)
    if found is None:
        place = "contains no" if source.is_dir() else "has no matching"
        raise DataError(
            f"{source} {place} BPE merges",
            fix=f"copy the codes file of the model to {_expected(source)}",
        )
    codes = _with_counts(found.path, found.content)
    return Subwords(codes, replace(vocabulary, codes_hash=hashlib.sha256(codes).hexdigest()))


@lru_cache(maxsize=4)
def _vocabulary(source: Path, identity: str) -> Vocabulary | None:
    # A plan asks several times; reading the sizes of the weights may take seconds.
    from xlm.model.formats.sources import read_model

    return read_model(source, sizes_only=True).vocabulary


def _expected(source: Path) -> Path:
    return source / "codes" if source.is_dir() else source.parent / "codes"


def _with_counts(path: Path, content: bytes) -> bytes:
    """The merges in the format of fastBPE; transformers and subword-nmt omit the counts.

    Raises:
        DataError: the end of a word is a symbol of its merges, which fastBPE does not have.
    """
    merges = read_merges(path)
    if merges.counted:
        return content
    if merges.separate_end:
        raise DataError(
            f"{path} is a codes file of subword-nmt 0.1, where the end of a word is a symbol",
            fix="use a model with merges of fastBPE, or of subword-nmt 0.2",
        )
    return "".join(f"{left} {right} 0\n" for left, right in merges.ranks).encode()
