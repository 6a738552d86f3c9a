"""The sources that a manifest records: downloads, files of the user, models to start from."""

import re
from collections.abc import Iterator
from typing import Any

from xlm.redaction import redact
from xlm.report.lineage.document import ArtifactId, SourceKind, TracedSource
from xlm.store.manifest import Manifest

_DIGEST = re.compile(r"(?:(?P<kind>[a-z-]+) )?(?P<sha256>[0-9a-f]{64})", re.ASCII)
"""How settings contain a local file (its sha256) or a model (its format and sha256)."""
_VOCABULARY = "vocabulary"
"""Hash of a list of tokens, not of a file."""


def sources_of(manifest: Manifest, artifact: ArtifactId) -> list[TracedSource]:
    """The sources that a stage read itself, without those of its inputs."""
    found = [_download(manifest.unit, source, artifact) for source in manifest.sources]
    for setting, text in _texts(manifest.config):
        if setting.rpartition(".")[2] == _VOCABULARY or not (match := _DIGEST.fullmatch(text)):
            continue
        is_model = match["kind"] is not None or manifest.config.get("source") == "checkpoint"
        kind: SourceKind = "model" if is_model else "local-file"
        name = f"{'model' if is_model else 'file'} of {artifact}, setting {setting}"
        found.append(
            TracedSource(
                kind=kind,
                unit=manifest.unit,
                name=name,
                url=None,
                redirected_to=None,
                licence=None,
                size_bytes=None,
                sha256=match["sha256"],
                read_by=artifact,
            )
        )
    return found


def _download(unit: str, source: dict[str, Any], artifact: ArtifactId) -> TracedSource:
    size_bytes = source.get("size_bytes")
    return TracedSource(
        kind="download",
        unit=unit,
        name=str(source.get("name") or unit),
        url=_text(source, "address"),
        redirected_to=_text(source, "redirected_to"),
        licence=_text(source, "licence"),
        size_bytes=size_bytes if isinstance(size_bytes, int) else None,
        sha256=_text(source, "sha256"),
        read_by=artifact,
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
