"""The sources that a manifest records: downloads, files of the user, models to start from.

for source in sources_of(manifest): ...
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from xlm.redaction import redact
from xlm.store.manifest import Manifest

_DIGEST = re.compile(r"(?:(?P<kind>[a-z-]+) )?(?P<sha256>[0-9a-f]{64})", re.ASCII)
"""How settings contain a local file (its sha256) or a model (its format and sha256)."""
_VOCABULARY = "vocabulary"
"""Hash of a list of tokens, not of a file."""

SourceKind = Literal["download", "local-file", "model"]


@dataclass(frozen=True)
class RecordedSource:
    """Bytes that the pipeline did not make: a download, a file of the user, or a model."""

    kind: SourceKind
    unit: str
    name: str
    url: str | None = None
    """Without secrets."""
    redirected_to: str | None = None
    """The URL that served the bytes, if the server redirected."""
    licence: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    """None if it was not recorded. Of a model: of its files together (`identity_of`)."""


def sources_of(manifest: Manifest) -> list[RecordedSource]:
    """The sources that a stage read itself, without those of its inputs."""
    stage, unit = manifest.stage, manifest.unit
    found = [_listed(unit, source) for source in manifest.sources]
    artifact = stage if unit == "all" else f"{stage}[{unit}]"
    for setting, text in _texts(manifest.config):
        if setting.rpartition(".")[2] == _VOCABULARY or not (match := _DIGEST.fullmatch(text)):
            continue
        is_model = match["kind"] is not None or manifest.config.get("source") == "checkpoint"
        kind: SourceKind = "model" if is_model else "local-file"
        name = f"{'model' if is_model else 'file'} of {artifact}, setting {setting}"
        found.append(RecordedSource(kind, unit, name, sha256=match["sha256"]))
    return found


def _listed(unit: str, source: dict[str, Any]) -> RecordedSource:
    """A download, or a file that the stage ran with, which has no URL."""
    size_bytes, url = source.get("size_bytes"), _text(source, "address")
    return RecordedSource(
        kind="download" if url else "local-file",
        unit=unit,
        name=str(source.get("name") or unit),
        url=url,
        redirected_to=_text(source, "redirected_to"),
        licence=_text(source, "licence"),
        size_bytes=size_bytes if isinstance(size_bytes, int) else None,
        sha256=_text(source, "sha256"),
    )


def _text(source: dict[str, Any], name: str) -> str | None:
    """A value without secrets; an empty one was not recorded."""
    return redact(str(source.get(name) or "")) or None


def _texts(value: Any, setting: str = "") -> Iterator[tuple[str, str]]:
    """Every text of the settings with its dotted name."""
    if isinstance(value, str):
        yield setting, value
        return
    items = value.items() if isinstance(value, dict) else ()
    for name, one in enumerate(value) if isinstance(value, list) else items:
        yield from _texts(one, f"{setting}.{name}" if setting else str(name))
