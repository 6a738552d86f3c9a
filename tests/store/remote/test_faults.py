"""Faults of servers, networks and objects, against real servers: a run never fails for them."""

import json
import logging
import shutil
from pathlib import Path

import pytest

from tests.engine.toy import ALL_BUILT, ALL_CACHED, Recorder, Toy
from tests.store.remote.conftest import OpenRemote
from tests.store.remote.cutting_proxy import cutting_proxy
from tests.store.remote.servers import BUCKET, Server, free_port, moto
from xlm.engine.stage import Node, StageContext, StageResult
from xlm.errors import ConfigError, RemoteStoreError, StoreError
from xlm.processes.pool.executor import WorkerPool
from xlm.store.remote import client
from xlm.store.remote.pending import PendingPushes
from xlm.store.remote.remote_store import RemoteStore
from xlm.store.store import ArtifactStore

pytestmark = pytest.mark.slow

LAST = Node("last", "all")
JOIN = Node("join", "all")


@pytest.fixture
def server(moto_server: Server) -> Server:
    """One server is enough where the fault is not the server's own."""
    return moto_server


def objects_of(server: Server, url: str, part: str) -> list[str]:
    names = server.objects(url.removeprefix(f"s3://{BUCKET}/"))
    return [name for name in names if part in name]


def count_requests(remote: RemoteStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the objects that are asked for, one after the other."""
    names: list[str] = []
    for method in ("create", "read_small"):
        original = getattr(remote.client, method)

        def counted(name: str, *values: object, original=original) -> object:
            names.append(name)
            return original(name, *values)

        monkeypatch.setattr(remote.client, method, counted)
    return names


def test_a_server_that_ignores_conditions_is_refused(
    toy: Toy, nanio_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in nanio_server.environment().items():
        monkeypatch.setenv(name, value)
    toy.remote = RemoteStore.open(f"s3://{BUCKET}/refused", insecure=True)
    with pytest.raises(RemoteStoreError, match="ignores conditional writes") as refused:
        toy.run()
    assert "\n" not in str(refused.value)
    assert not list((toy.root / "artifacts").glob("*/*"))
    assert objects_of(nanio_server, "s3://shared/refused", "artifacts") == []
    # The probe's object is there now: it is found again.
    with pytest.raises(RemoteStoreError, match="ignores conditional writes"):
        toy.run()


@pytest.mark.parametrize("wrong", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_credentials_are_refused_without_showing_them(
    toy: Toy, nanio_server: Server, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    for name, value in nanio_server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(wrong, "canaryWrongValue")
    toy.remote = RemoteStore.open(f"s3://{BUCKET}/any", insecure=True)
    with pytest.raises(RemoteStoreError, match="refused the credentials") as refused:
        toy.run()
    assert "canary" not in str(refused.value)


def test_a_missing_bucket_is_named(toy: Toy, open_remote: OpenRemote) -> None:
    open_remote()
    toy.remote = RemoteStore.open("s3://no-such-bucket/xlm", insecure=True)
    with pytest.raises(RemoteStoreError, match=r"s3://no-such-bucket/xlm does not exist"):
        toy.run()


def test_no_credentials_at_all(
    open_remote: OpenRemote, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    # In place of the address of a cloud's metadata service, which this test must not ask.
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{free_port()}/169.254.169.254")
    with pytest.raises(RemoteStoreError, match="no credentials were found"):
        RemoteStore.open(url, insecure=True).require_conditions()


def test_credentials_that_may_only_read(
    tmp_path: Path,
    pool: WorkerPool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with moto(tmp_path) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        first, second = Toy(tmp_path / "first", pool), Toy(tmp_path / "second", pool)
        first.remote = RemoteStore.open(f"s3://{BUCKET}/xlm", insecure=True)
        first.run(until="join")
        server.client().put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{BUCKET}/*",
            }],
        }))  # fmt: skip
        second.remote = RemoteStore.open(f"s3://{BUCKET}/xlm", insecure=True)
        assert second.run() == {
            "read[en]": "pulled", "read[sw]": "pulled", "join": "pulled", "last": "built",
        }  # fmt: skip
        assert caplog.text.count("can be read but not written") == 1
        assert list(PendingPushes(second.root)) == []


def test_an_unreachable_server_costs_one_warning_and_little_time(
    toy: Toy,
    open_remote: OpenRemote,
    server: Server,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    toy.remote = RemoteStore.open(url, insecure=True)
    assert {one.status for one in toy.plan().values()} == {"build", "pending"}
    assert caplog.text.count("does not answer") == 1
    caplog.clear()
    asked = count_requests(toy.remote, monkeypatch)
    assert toy.run() == ALL_BUILT
    assert len(asked) == 1  # not one for each node
    assert caplog.text.count("does not answer") == 1
    assert len(list(PendingPushes(toy.root))) == 4
    # The next run makes up for it, although it builds nothing.
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
    toy.remote = RemoteStore.open(url, insecure=True)
    assert toy.run() == ALL_CACHED
    assert list(PendingPushes(toy.root)) == []
    assert len(objects_of(server, url, "manifest.json")) == 4


def test_a_server_that_accepts_connections_and_never_answers(
    toy: Toy,
    open_remote: OpenRemote,
    server: Server,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(client, "SMALL_SECONDS", 2.0)
    with cutting_proxy(server.port) as proxy:
        proxy.stall_after(0)
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
        toy.remote = RemoteStore.open(url, insecure=True)
        asked = count_requests(toy.remote, monkeypatch)
        assert toy.run() == ALL_BUILT
        assert len(asked) == 1  # not one for each node
    assert caplog.text.count("does not answer (no answer") == 1


def test_an_outage_in_the_middle_of_a_run(
    toy: Toy,
    open_remote: OpenRemote,
    server: Server,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with cutting_proxy(server.port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
        toy.remote = RemoteStore.open(url, insecure=True)

        def join(context: StageContext) -> StageResult:
            proxy.close()
            (context.out / "joined.txt").write_text("en 0\nsw 0\n")
            return StageResult()

        assert toy.with_stage("join", run=join).run() == ALL_BUILT
    assert caplog.text.count("does not answer") <= 1
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
    toy.remote = RemoteStore.open(url, insecure=True)
    assert toy.run() == ALL_CACHED
    assert len(objects_of(server, url, "manifest.json")) == 4


def _large(context: StageContext) -> StageResult:
    (context.out / "joined.txt").write_bytes(bytes(range(256)) * (120 << 10))  # 30 MiB
    (context.out / "empty.txt").write_text("")
    return StageResult()


def test_connections_that_break_in_the_middle(
    here: Toy, there: Toy, server: Server, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cutting_proxy(server.port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
        for machine in (here, there):
            machine.remote = RemoteStore.open(url, insecure=True)
            machine.with_stage("join", run=_large)
        proxy.cut_after(6 << 20, 3 << 20, 200, 5 << 20)
        recorder = Recorder()
        assert here.run(recorder) == ALL_BUILT
        assert (recorder.notices, list(PendingPushes(here.root))) == ([], [])
        assert proxy.cuts == 4
        proxy.cut_after(6 << 20, 3 << 20, 200, 5 << 20)
        assert set(there.run().values()) == {"pulled"}
        assert proxy.cuts == 8
    name = "joined.txt"
    assert (there.directory(JOIN) / name).read_bytes() == (here.directory(JOIN) / name).read_bytes()
    assert (
        ArtifactStore.open(str(there.root)).damage("join", there.directory(JOIN).name, "deep")
        is None
    )


def test_the_answer_to_the_write_of_a_manifest_is_lost(
    here: Toy, server: Server, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second attempt finds the manifest of the first, which is its own."""
    here.run(until="read")
    remote = RemoteStore.open(url, insecure=True)
    create, lost = remote.client.create, []

    def losing(name: str, data: bytes, check: object) -> bool:
        made = create(name, data, check)
        if name.endswith("manifest.json") and not lost:
            lost.append(name)
            return False
        return made

    monkeypatch.setattr(remote.client, "create", losing)
    here.remote = remote
    assert here.run(until="join")["join"] == "built"
    assert lost
    assert len(objects_of(server, url, "artifacts/join")) == 3


@pytest.mark.parametrize("fault", ["flipped", "missing", "longer", "shorter", "all missing"])
def test_a_damaged_object_is_named_and_the_node_is_built(
    here: Toy,
    there: Toy,
    server: Server,
    url: str,
    fault: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    here.run()
    (name,) = objects_of(server, url, "joined.txt")
    if fault == "flipped":
        server.put(name, b"en 0\nsw 1\n")
    elif fault == "longer":
        server.put(name, b"en 0\nsw 0\n\n")
    elif fault == "shorter":
        server.put(name, b"en 0\n")
    else:
        server.delete(name)
    if fault == "all missing":
        server.delete(name.replace("joined.txt", "run.json"))
    statuses = there.run()
    assert statuses == {
        "read[en]": "pulled", "read[sw]": "pulled", "join": "built", "last": "pulled",
    }  # fmt: skip
    damaged = name if fault != "all missing" else name.rpartition("/")[0]
    (line,) = [r.getMessage() for r in caplog.records if "is damaged" in r.getMessage()]
    assert damaged.removeprefix(f"{url.removeprefix(f's3://{BUCKET}/')}/") in line
    assert "it is built here" in line
    # What was built here has taken its place.
    shutil.rmtree(here.root)
    assert set(here.run().values()) == {"pulled"}


@pytest.mark.parametrize("content", [b"", b"{", b"null", b'{"format": "xlm-remote"}', b"\xff" * 99])
def test_a_damaged_manifest_is_named_and_kept(
    here: Toy,
    there: Toy,
    server: Server,
    url: str,
    content: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    here.run()
    (name,) = objects_of(server, url, f"join/{here.directory(JOIN).name}/manifest.json")
    server.put(name, content)
    assert there.run()["join"] == "built"
    assert "manifest.json in s3://" in caplog.text
    assert server.objects(name)[name] == content


def test_a_manifest_of_another_artifact_is_refused(
    here: Toy, there: Toy, server: Server, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    here.run()
    (join,) = objects_of(server, url, f"join/{here.directory(JOIN).name}/manifest.json")
    (last,) = objects_of(server, url, f"last/{here.directory(LAST).name}/manifest.json")
    server.put(join, server.objects(last)[last])
    assert there.run()["join"] == "built"
    assert "it belongs to another artifact" in caplog.text


def test_a_manifest_of_a_newer_version_is_left_alone(
    here: Toy, there: Toy, server: Server, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    here.run()
    (name,) = objects_of(server, url, f"join/{here.directory(JOIN).name}/manifest.json")
    content = server.objects(name)[name].replace(b'"format_version": 1', b'"format_version": 2', 1)
    server.put(name, content)
    # Only this artifact cannot be read.
    assert there.run() == {
        "read[en]": "pulled", "read[sw]": "pulled", "join": "built", "last": "pulled",
    }  # fmt: skip
    assert "newer version" in caplog.text
    assert server.objects(name)[name] == content


def test_a_damaged_local_artifact_is_not_pushed(
    here: Toy, server: Server, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    remote, here.remote = here.remote, None
    here.run()
    here.remote = remote
    (here.directory(JOIN) / "joined.txt").write_text("xx 0\nsw 0\n")
    PendingPushes(here.root).expect("join", here.directory(JOIN).name)
    assert here.run()["join"] == "cached"
    assert "does not match its sha256) and was not pushed" in caplog.text
    assert objects_of(server, url, "join") == []


def test_too_little_space_is_found_before_a_pull(
    here: Toy, there: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.run()
    usage = shutil.disk_usage(here.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=5))
    with pytest.raises(StoreError, match=r"a pull needs \d+ bytes in .* which has 5 free"):
        there.run()
    assert not list((there.root / "artifacts").glob("*/*"))


def test_nothing_secret_is_shown_or_stored(
    here: Toy, there: Toy, server: Server, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder()
    with caplog.at_level(logging.DEBUG):
        here.run(recorder)
        there.run(recorder)
    stored = [path.read_bytes() for path in here.root.rglob("*") if path.is_file()]
    remote = list(server.objects(url.removeprefix(f"s3://{BUCKET}/")).values())
    secrets = (b"canarySecretKey", b"AKIATESTTESTTEST")
    assert not any(secret in data for data in (*stored, *remote) for secret in secrets)
    assert "canary" not in caplog.text + repr(recorder.notices)


def test_obstore_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "obstore.store", None)
    with pytest.raises(ConfigError, match=r"install xlm-pipeline\[remote\]"):
        RemoteStore.open("s3://bucket/xlm")


def test_a_folder_that_is_not_mounted(tmp_path: Path, toy: Toy) -> None:
    with pytest.raises(RemoteStoreError, match="does not exist"):
        RemoteStore.open(f"file://{tmp_path}/none")
    (tmp_path / "share").mkdir()
    toy.remote = RemoteStore.open(f"file://{tmp_path}/share")
    assert toy.run() == ALL_BUILT
    shutil.rmtree(toy.root)
    assert set(toy.run().values()) == {"pulled"}
