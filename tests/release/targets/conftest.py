"""An artifact of stage publish, and a fake Hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.release.targets.hub_server import TOKEN, FakeHub, fake_hub
from tests.release.targets.models import write_artifact
from xlm.release.targets.publication import Publication, read_publication


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    return write_artifact(tmp_path / "artifact")


@pytest.fixture
def publication(artifact: Path) -> Publication:
    return read_publication(artifact)


@pytest.fixture
def with_revisions(tmp_path: Path) -> Publication:
    """The models of an artifact, with two revisions."""
    artifact = write_artifact(tmp_path / "revised", revisions=(1000, 500))
    return read_publication(artifact, revisions=True)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """The library reads these variables when it is imported, so its constants are set."""
    with fake_hub() as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.address)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield running
