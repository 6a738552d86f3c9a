"""Finds the BPE merges of a model: given, in its folder, next to its file, or in its store.

    codes = find_codes(model.vocabulary, Path("mlm_tlm_xnli15_1024.pth"), None)
    codes.path, codes.content

A file that is found must belong to the vocabulary. If the vocabulary has no hash of its codes file,
its tokens must be results of the merges (`xlm/bpe/codes_match.py`).
"""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from xlm.bpe.codes_match import require_codes_match
from xlm.bpe.vocabulary import Vocabulary
from xlm.errors import DataError
from xlm.store.integrity.presence import files_of_stage, is_present

log = logging.getLogger(__name__)

CODES_FILES = ("codes", "merges.txt")
"""Names of the BPE merges in a folder: ours, Hugging Face's."""

_NEXT_TO_FILE = ("codes*", "*.codes", "merges.txt")
"""Names of the BPE merges next to a checkpoint file; the original's are `codes_xnli_15`."""
_STAGE = "learn-bpe"


@dataclass(frozen=True)
class Codes:
    """A file of BPE merges, and its content as the vocabulary's hash knows it."""

    path: Path
    content: bytes


def find_codes(vocabulary: Vocabulary, source: Path, given: Path | None) -> Codes | None:
    """Find the BPE merges of the model at `source`; None: there are none.

    Raises:
        DataError: the given file, or the one in the folder, cannot be read or does not fit.
    """
    if given is not None:
        return _given(vocabulary, given)
    if not source.is_dir():
        return _next_to(vocabulary, source)
    found = next((source / name for name in CODES_FILES if is_present(source / name)), None)
    if found is None:
        return _in_store(source, vocabulary.codes_hash)
    content, known = found.read_bytes(), vocabulary.codes_hash
    # merges.txt ends in a newline; the file that it was made from may not.
    for candidate in (content, content.removesuffix(b"\n")):
        if hashlib.sha256(candidate).hexdigest() == known:
            return Codes(found, candidate)
    require_fit(vocabulary, found)
    return Codes(found, content)


def require_fit(vocabulary: Vocabulary, codes: Path) -> None:
    """Refuse a codes file that did not produce the tokens of the vocabulary.

    Raises:
        DataError: it is not the file with the known hash, or its merges produce other tokens.
    """
    if vocabulary.codes_hash:
        vocabulary.require_codes_hash(codes)
    else:
        require_codes_match(vocabulary, codes)


def _given(vocabulary: Vocabulary, given: Path) -> Codes:
    try:
        if not given.is_file():
            kind = "is a folder" if given.is_dir() else "does not exist"
            raise DataError(f"--codes {given} {kind}", fix="pass the path of a file of BPE merges")
        require_fit(vocabulary, given)
        return Codes(given, given.read_bytes())
    except OSError as error:
        raise DataError(f"--codes {given}: {error.strerror}", fix="check the path") from None


def _next_to(vocabulary: Vocabulary, source: Path) -> Codes | None:
    """The codes file next to a checkpoint. A folder of several models has several of them."""
    files = sorted({path for pattern in _NEXT_TO_FILE for path in source.parent.glob(pattern)})
    for file in filter(Path.is_file, files):
        try:
            require_fit(vocabulary, file)
            return Codes(file, file.read_bytes())
        except DataError as error:
            log.warning("%s is not used: %s", file, error.what)
        except OSError:
            continue  # owned by another user
    return None


def _in_store(source: Path, known: str) -> Codes | None:
    """The BPE merges with this hash in the store of an artifact, if it has them."""
    artifacts = source.resolve().parent.parent
    for file in files_of_stage(artifacts, _STAGE, CODES_FILES[0]) if known else ():
        try:
            content = file.read_bytes()
        except OSError:
            continue  # owned by another user, or being removed
        if hashlib.sha256(content).hexdigest() == known:
            return Codes(file, content)
    return None
