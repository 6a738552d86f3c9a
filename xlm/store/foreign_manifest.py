"""Checks a manifest that does not come from this store: from an archive, or from a remote store."""

import re
import unicodedata

from xlm.store.keys import artifact_key
from xlm.store.manifest import FORMAT_VERSION, MANIFEST_NAME, Manifest, content_digest

_LONGEST_BYTES, _LONGEST_PART_BYTES = 1024, 255
"""Of the name of a file and of each of its parts: file systems and object stores take no more."""
_UNIT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", re.ASCII)


def manifest_fault(manifest: Manifest) -> str | None:
    """Return why a manifest contradicts itself or is not allowed, or None."""
    if not _UNIT.fullmatch(manifest.unit) or manifest.format_version != FORMAT_VERSION:
        return "its unit or its format is not valid"
    if artifact_key(manifest.ingredients) != manifest.key:
        return "its key does not follow from its settings and inputs"
    if content_digest(manifest.files) != manifest.digest:
        return "its digest does not follow from its list of files"
    names = [record.path for record in manifest.all_files]
    folders = {name[:place] for name in names for place in _slashes(name)}
    if len(set(map(_normalized, names))) < len(names) or folders & set(names):
        return "it lists a file twice"
    if any(name == MANIFEST_NAME or not name.isprintable() or "\\" in name for name in names):
        return "it lists a file with a name that is not allowed"
    if any(_is_too_long(name) for name in names):
        return "it lists a file with a name that is too long"
    return None


def _is_too_long(name: str) -> bool:
    parts = (len(part.encode()) for part in name.split("/"))
    return len(name.encode()) > _LONGEST_BYTES or max(parts) > _LONGEST_PART_BYTES


def _normalized(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _slashes(name: str) -> list[int]:
    return [place for place, letter in enumerate(name) if letter == "/"]
