"""The lineage of a file or folder; `xlm lineage PATH --format json` prints it.

The JSON is stable: fields are only added, or `schema_version` becomes larger. The fields are
described in docs/reference/lineage.md.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from xlm.pipeline.recorded_sources import SourceKind

SCHEMA_VERSION = 1

State = Literal["stored", "pruned", "remote", "other-bytes", "damaged", "missing"]
"""Where an artifact is now.

`pruned`: only its manifest is left. `remote`: its manifest is in the remote store.
`other-bytes`: the store has this key with another digest, so these files are gone. `damaged`: its
manifest contradicts itself or cannot be read. `missing`: no manifest of it is known.
"""


def _escaped(text: str) -> str:
    """A path with bytes that are not UTF-8 as `\\xff`: JSON and terminals have no such letters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


PathText = Annotated[str, BeforeValidator(_escaped)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ArtifactId(_Document):
    """An artifact and its bytes."""

    stage: str
    unit: str
    key: str
    digest: str

    def __str__(self) -> str:
        return self.stage if self.unit == "all" else f"{self.stage}[{self.unit}]"


class Input(_Document):
    """An artifact that another one was built from, and its role there."""

    role: str
    artifact: ArtifactId


class TracedArtifact(_Document):
    """An artifact of a lineage; what only its manifest says is null without one."""

    id: ArtifactId
    state: State
    built: str | None
    """When it was built, ISO 8601 in UTC."""
    code_version: int | None
    """The version of the stage, which is part of the key."""
    pipeline_version: str | None
    """The version of xlm-pipeline that built it; null if it was not recorded."""
    tools: dict[str, str]
    """Packages that shape its bytes, with their versions."""
    size_bytes: int | None
    directory: PathText | None
    inputs: tuple[Input, ...]


class TracedSource(_Document):
    """Bytes that the pipeline did not make: a download, a file of the user, or a model."""

    kind: SourceKind
    unit: str
    name: str
    url: str | None
    redirected_to: str | None
    """The URL that served the bytes, if the server redirected."""
    licence: str | None
    size_bytes: int | None
    sha256: str | None
    """Null if it was not recorded. Of a model: of its files together (`identity_of`)."""
    read_by: ArtifactId
    """The artifact that recorded it."""


class Part(_Document):
    """A folder of a copy, and the artifact that its files are from."""

    path: PathText
    """Empty for the copied folder itself."""
    artifact: ArtifactId
    path_in_artifact: str


class Subject(_Document):
    """The file or folder that was asked for, and the artifact that it belongs to."""

    path: PathText
    artifact: ArtifactId
    path_in_artifact: str
    """Empty for the whole artifact."""
    sha256: str | None
    """Of a file; null for a folder, and for a file that was pruned."""
    is_copy: bool
    """Whether it is outside of the store, and was found by the sha256 of its contents."""
    equal_artifacts: tuple[ArtifactId, ...]
    """Other artifacts that contain the same."""
    parts: tuple[Part, ...] = ()
    """Of a folder with files of several artifacts, such as the shards of `xlm dataset`: all of
    them; `artifact` is one of them. Empty for other paths."""

    @property
    def tops(self) -> tuple[ArtifactId, ...]:
        """The artifacts that the files of the path are from."""
        return tuple(dict.fromkeys([self.artifact, *(part.artifact for part in self.parts)]))


class Lineage(_Document):
    """The lineage of a file or folder."""

    schema_version: int = SCHEMA_VERSION
    subject: Subject
    artifacts: tuple[TracedArtifact, ...]
    """The artifacts of the subject, their inputs, then theirs; each once."""
    sources: tuple[TracedSource, ...]
    faults: tuple[PathText, ...]
    """What is missing or damaged, one line each; empty if the lineage is complete."""
