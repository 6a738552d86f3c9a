"""Remote manifests that lie: the node is built, and nothing is read beyond what was promised."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.engine.toy import Toy
from tests.store.remote.conftest import OpenRemote
from tests.store.remote.servers import BUCKET, Server
from xlm.engine.stage import Node
from xlm.store.keys import artifact_key
from xlm.store.manifest import FileRecord, content_digest
from xlm.store.remote.layout import new_builder
from xlm.store.remote.remote_store import no_check
from xlm.store.remote.verification import Orphans, remove_orphans

pytestmark = pytest.mark.slow

JOIN = Node("join", "all")


@pytest.fixture
def server(moto_server: Server) -> Server:
    return moto_server


def _change_files(
    toy: Toy, server: Server, url: str, change: Callable[[list[dict[str, Any]]], None]
) -> None:
    """Change the list of files in the remote manifest of `join`, with a digest that fits."""
    folder = f"{url.removeprefix(f's3://{BUCKET}/')}/artifacts/join/{toy.directory(JOIN).name}/"
    name = f"{folder}manifest.json"
    document = json.loads(server.objects(name)[name])
    manifest = document["manifest"]
    change(manifest["files"])
    records = [FileRecord.model_construct(**one) for one in manifest["files"]]
    manifest["digest"] = content_digest(records)
    server.put(name, json.dumps(document).encode())


def test_a_name_that_no_file_system_takes(
    here: Toy, there: Toy, server: Server, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    here.run()
    _change_files(here, server, url, lambda files: files[0].update(path="x" * 300))
    assert there.run()["join"] == "built"
    assert "a name that is too long" in caplog.text


def test_a_size_beyond_the_disk_that_the_object_does_not_have(
    here: Toy, there: Toy, server: Server, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    here.run()
    _change_files(here, server, url, lambda files: files[0].update(size_bytes=1 << 60))
    assert there.run()["join"] == "built"
    assert f"bytes, the manifest says {1 << 60}" in caplog.text


def test_a_file_that_should_be_empty_is_not_read(
    server: Server, open_remote: OpenRemote, url: str
) -> None:
    remote = open_remote()
    server.put(f"{url.removeprefix(f's3://{BUCKET}/')}/large", b"x" * 1000)
    block = remote.client.finish_block("large", remote.client.start_block("large", 0, 0), no_check)
    assert block is not None
    assert (block.data, block.total_bytes) == (b"", 1000)


def test_files_that_are_newer_than_the_report_are_not_removed(
    server: Server, open_remote: OpenRemote, url: str
) -> None:
    """A push that was killed days ago can go on while the store is verified."""
    remote, builder = open_remote(), new_builder()
    key = artifact_key({})
    name = f"artifacts/join/{key}/{builder}/joined.txt"
    remote.client.write_small(name, b"x", no_check)
    reported = datetime.now(UTC) - timedelta(days=9)
    orphan = Orphans("join", key, builder, 1, 1, reported.isoformat())
    assert remove_orphans(remote, [orphan], timedelta(days=1)) == []
    assert remote.client.size_bytes(name, no_check) == 1
    assert remove_orphans(remote, [orphan], timedelta()) == [orphan]
    assert remote.client.size_bytes(name, no_check) is None
