"""A small checkpoint of the original to convert, and its BPE merges."""

import hashlib
from pathlib import Path

from tests.model.formats.portable_models import small_model
from xlm.model.formats.original import write_original

CODES = b"h e 9\nhe y</w> 5"
"""Without a final newline, which merges.txt must have."""
LAYOUTS = ("original", "hugging-face", "xlm")


def write_source(path: Path, *, causal: bool = False) -> Path:
    """Write the checkpoint."""
    digest = hashlib.sha256(CODES).hexdigest()
    write_original(path, small_model(codes_hash=digest, causal=causal))
    return path


def contents(path: Path) -> dict[str, bytes]:
    """The bytes of a file, or of each file in a folder by its name."""
    files = [path] if path.is_file() else sorted(path.iterdir())
    return {"" if path.is_file() else file.name: file.read_bytes() for file in files}
