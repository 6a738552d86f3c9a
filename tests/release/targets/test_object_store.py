"""Models in an object store: a real server of the S3 protocol, and one in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.release.targets.models import CLASSIFIER, MASKED_LM, revision
from tests.store.remote.servers import BUCKET, Server, free_port, moto
from xlm.errors import PublishError
from xlm.release.targets.object_store import ObjectStoreTarget
from xlm.release.targets.opening import open_target
from xlm.release.targets.publication import Publication
from xlm.store.remote.remote_store import RemoteStore


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with moto(tmp_path_factory.mktemp("moto")) as running:
        yield running


@pytest.fixture
def url(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{tmp_path.name}"


@pytest.mark.slow
def test_models_are_written_resumed_and_verified(
    url: str, server: Server, publication: Publication
) -> None:
    prefix = url.removeprefix(f"s3://{BUCKET}/")
    targets = open_target(url, insecure=True)(publication)
    for model, target in targets:
        target.write(model, target.compare(model), "", lambda count: None)
    expected = {
        **{f"{prefix}/classifier/{name}": data for name, data in CLASSIFIER.items()},
        **{f"{prefix}/masked-lm/{name}": data for name, data in MASKED_LM.items()},
    }
    assert server.objects(prefix) == expected
    # As a killed copy leaves it, next to a file of somebody else.
    model, target = targets[0]
    for name in ("config.json", "README.md"):
        server.delete(f"{prefix}/classifier/{name}")
    server.put(f"{prefix}/classifier/model.safetensors", bytes(25_600))
    server.put(f"{prefix}/classifier/notes.txt", b"mine")
    comparison = target.compare(model)
    assert comparison.others == ("notes.txt",)
    assert {name for name, state in comparison.states.items() if state == "same"} == {
        "accuracy.png",
        "vocab.json",
    }
    assert comparison.states["model.safetensors"] == "changed"
    target.write(model, comparison, "", lambda count: None)
    assert server.objects(prefix) == expected | {f"{prefix}/classifier/notes.txt": b"mine"}


@pytest.mark.slow
def test_revisions_get_a_folder_each(url: str, server: Server, with_revisions: Publication) -> None:
    targets = open_target(url, insecure=True)(with_revisions.only("masked-lm"))
    for model, target in targets:
        target.write(model, target.compare(model), "", lambda count: None)
    prefix = url.removeprefix(f"s3://{BUCKET}/")
    assert server.objects(prefix) == {
        **{f"{prefix}/masked-lm/{name}": data for name, data in MASKED_LM.items()},
        **{
            f"{prefix}/revisions/step-{update}/{name}": data
            for update in (500, 1000)
            for name, data in revision(update).items()
        },
    }
    assert all(target.compare(model).is_complete for model, target in targets)


@pytest.mark.slow
def test_a_missing_bucket_is_one_line_of_this_command(url: str, publication: Publication) -> None:
    [(model, target), _] = open_target("s3://no-such-bucket/x", insecure=True)(publication)
    with pytest.raises(PublishError) as caught:
        target.compare(model)
    assert str(caught.value) == (
        "the object store s3://no-such-bucket/x does not exist; create the bucket or the folder, "
        "or correct the URL"
    )


def test_large_files_are_sent_in_blocks(publication: Publication, monkeypatch) -> None:
    monkeypatch.setattr("xlm.release.targets.object_store.BLOCK_BYTES", 1000)
    monkeypatch.setattr("xlm.release.targets.object_store.block_bytes", lambda size: 1000)
    store = RemoteStore.open("memory:///")
    model = publication.folders[0]
    target = ObjectStoreTarget(store, "classifier")
    sent: list[int] = []
    target.write(model, target.compare(model), "", sent.append)
    assert sum(sent) == sum(file.size_bytes for file in model.files)
    assert target.compare(model).is_complete


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_one_line(
    publication: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlm.store.remote.transfers._WAITS_SECONDS", ())
    monkeypatch.setattr("xlm.store.remote.connection.RETRIES", 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "canaryKey")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canarySecret")
    [(model, target), _] = open_target("s3://bucket/x", insecure=True)(publication)
    with pytest.raises(PublishError, match=r"s3://bucket/x does not answer") as caught:
        target.compare(model)
    assert "canary" not in str(caught.value)
