"""The layout of a remote store.

xlm-remote.json                                    shows that the server honours conditional puts
artifacts/<stage>/<key>/manifest.json              names the builder; written once, last
artifacts/<stage>/<key>/<builder>/<path>           the files of one push, percent-encoded names

Every push has its own folder, so two builders never mix files. The manifest names the folder that
counts. Other folders are left over from pushes that did not end, or that came second.
"""

import re
import secrets
from datetime import UTC, datetime
from typing import Annotated, Literal, NamedTuple
from urllib.parse import quote, unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xlm.errors import DamagedRemoteError
from xlm.store.foreign_manifest import manifest_fault
from xlm.store.manifest import MANIFEST_NAME, Manifest

PROBE_NAME = "xlm-remote.json"
PROBE = b'{"format": "xlm-remote", "format_version": 1}\n'
ARTIFACTS = "artifacts"
BUILDER = r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}"
_NAME = re.compile(
    rf"artifacts/([a-z][a-z0-9-]{{0,63}})/([0-9a-f]{{24}})/(?:{MANIFEST_NAME}|({BUILDER})/(.+))",
    re.ASCII | re.DOTALL,
)


class RemoteManifest(BaseModel):
    """The manifest of an artifact, and the builder whose files it describes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["xlm-remote"] = "xlm-remote"
    format_version: Literal[1] = 1
    builder: Annotated[str, Field(pattern=f"^{BUILDER}$")]
    manifest: Manifest

    def file_name(self, path: str) -> str:
        """The name of the object of one of the artifact's files."""
        return file_name(self.manifest.stage, self.manifest.key, self.builder, path)


class ObjectName(NamedTuple):
    """The parts of an object's name; without a builder it is a manifest."""

    stage: str
    key: str
    builder: str | None
    path: str


def new_builder() -> str:
    """A name for one push: the time in UTC and a random part."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(6)}"


def key_prefix(stage: str, key: str) -> str:
    """The folder of a key."""
    return f"{ARTIFACTS}/{stage}/{key}"


def manifest_name(stage: str, key: str) -> str:
    """The name of the manifest of a key."""
    return f"{key_prefix(stage, key)}/{MANIFEST_NAME}"


def file_name(stage: str, key: str, builder: str, path: str) -> str:
    """The name of the object of a file."""
    return f"{key_prefix(stage, key)}/{builder}/{quote(path, safe='/')}"


def parse_name(name: str) -> ObjectName | None:
    """The parts of the name of an object, or None if it does not belong to an artifact."""
    found = _NAME.fullmatch(name)
    return ObjectName(found[1], found[2], found[3], unquote(found[4] or "")) if found else None


def parse_manifest(data: bytes, stage: str, key: str, url: str) -> RemoteManifest:
    """Read and check the manifest of a key.

    Raises:
        DamagedRemoteError: it is invalid, belongs to another artifact, or is of a newer version.
    """
    name = manifest_name(stage, key)
    try:
        found = RemoteManifest.model_validate_json(data)
    except (ValidationError, ValueError, RecursionError) as error:
        if re.search(rb'"format_version": ?(?!1\b)[0-9]{1,9}', data[:200]):
            raise DamagedRemoteError(
                f"{name} in {url} was written by a newer version of xlm-pipeline",
                fix="update xlm-pipeline, or use another remote store",
            ) from None
        raise DamagedRemoteError(
            f"{name} in {url} is damaged ({type(error).__name__})", fix=repair(stage, key)
        ) from None
    fault = manifest_fault(found.manifest)
    if (found.manifest.stage, found.manifest.key) != (stage, key):
        fault = "it belongs to another artifact"
    if fault is not None:
        raise DamagedRemoteError(f"{name} in {url} is damaged: {fault}", fix=repair(stage, key))
    return found


def repair(stage: str, key: str) -> str:
    """How to repair the artifact of a key."""
    return f"repair it from an intact store with `xlm store push {stage}/{key} --replace`"
