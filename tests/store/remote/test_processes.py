"""Builders that are processes of their own: at the same time, and killed in the middle."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.engine.toy import ALL_CACHED, Toy
from tests.repository import REPOSITORY
from tests.store.remote.conftest import OpenRemote
from tests.store.remote.cutting_proxy import CuttingProxy, cutting_proxy
from tests.store.remote.machine import FILE_BYTES, FILES, join
from tests.store.remote.servers import Server
from xlm.engine.stage import Node
from xlm.store.remote.pending import PendingPushes
from xlm.store.remote.verification import verify_remote
from xlm.store.store import ArtifactStore

pytestmark = [pytest.mark.slow, pytest.mark.fault]

JOIN = Node("join", "all")
_MOST_SECONDS = 120.0
_numbers = itertools.count()


class Machine:
    """A process of `tests.store.remote.machine`."""

    def __init__(self, root: Path, url: str, go: Path, **variables: str) -> None:
        self.root, self.ready = root, root.with_name(f"{root.name}.{next(_numbers)}.ready")
        command = [sys.executable, "-m", "tests.store.remote.machine"]
        self.process = subprocess.Popen(
            [*command, str(root), url, str(self.ready), str(go)],
            cwd=REPOSITORY,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self) -> dict[str, object]:
        """What it printed; it must have succeeded."""
        out, err = self.process.communicate(timeout=_MOST_SECONDS)
        assert self.process.returncode == 0, err
        return dict(json.loads(out))

    def kill_when(self, proxy: CuttingProxy) -> None:
        """SIGKILL it when the proxy has stalled."""
        wait_until(lambda: proxy.has_stalled or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()
        time.sleep(0.5)
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=_MOST_SECONDS)


def wait_until(condition) -> None:
    deadline = time.monotonic() + _MOST_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("bytes_differ", [False, True])
def test_two_builders_at_once_never_mix_files(
    open_remote: OpenRemote, tmp_path: Path, url: str, bytes_differ: bool
) -> None:
    go = tmp_path / "go"
    names = ("a", "b")
    machines = [
        Machine(tmp_path / name, url, go, XLM_TEST=name if bytes_differ else "") for name in names
    ]
    wait_until(lambda: all(one.ready.exists() for one in machines))
    go.touch()
    results = [machine.result() for machine in machines]
    remote = open_remote()
    report = verify_remote(remote, "deep")
    assert (report.damaged, report.orphans, report.unknown_objects) == ([], [], [])
    kept = Counter(stage for stage, _, _ in ArtifactStore.open(str(tmp_path / "a")).artifacts())
    if not bytes_differ:
        assert report.checked == sum(kept.values()) == 4
    for machine in machines:
        assert list(PendingPushes(machine.root)) == []
    both_built = all(one["statuses"]["join"] == "built" for one in results)
    lines = [line for one in results for line in one["notices"] if "keeps other" in line]
    # Both built other bytes of one key: exactly one of them came second.
    assert len(lines) == (1 if bytes_differ and both_built else 0)


def test_two_runs_on_one_machine_build_and_push_once(
    open_remote: OpenRemote, tmp_path: Path, url: str
) -> None:
    go = tmp_path / "go"
    machines = [Machine(tmp_path / "shared", url, go) for _ in range(2)]
    wait_until(lambda: all(one.ready.exists() for one in machines))
    go.touch()
    results = [machine.result() for machine in machines]
    for node in ("read[en]", "read[sw]", "join", "last"):
        assert [one["statuses"][node] for one in results].count("built") == 1
    report = verify_remote(open_remote(), "deep")
    assert (report.checked, report.damaged, report.orphans) == (4, [], [])
    assert list(PendingPushes(tmp_path / "shared")) == []


def test_a_push_that_was_killed_goes_on_where_it_was(
    toy: Toy, open_remote: OpenRemote, server: Server, tmp_path: Path, url: str
) -> None:
    go = tmp_path / "go"
    go.touch()
    with cutting_proxy(server.port) as proxy:
        # The three others are small: it stalls in the middle of the files of `join`.
        proxy.stall_after(FILES * FILE_BYTES // 2)
        machine = Machine(toy.root, url, go, AWS_ENDPOINT_URL=proxy.address)
        machine.kill_when(proxy)
    remote = open_remote()
    names = [one.name for one in remote.client.listed("artifacts/join", lambda: None)]
    assert not [name for name in names if name.endswith("/manifest.json")]
    assert 0 < len(names) < FILES + 2
    (folder,) = {name.split("/")[3] for name in names}
    assert ("join", names[0].split("/")[2]) in PendingPushes(toy.root)
    toy.remote = remote
    toy.with_stage("join", run=join)
    statuses = toy.run()
    assert statuses["join"] == "cached"
    found = remote.find("join", toy.directory(JOIN).name)
    assert found is not None
    assert found.builder == folder
    report = verify_remote(remote, "deep")
    assert (report.checked, report.damaged, report.orphans) == (4, [], [])
    assert list(PendingPushes(toy.root)) == []


def test_a_pull_that_was_killed_goes_on_where_it_was(
    toy: Toy, open_remote: OpenRemote, server: Server, tmp_path: Path, url: str
) -> None:
    go = tmp_path / "go"
    go.touch()
    Machine(tmp_path / "first", url, go).result()
    with cutting_proxy(server.port) as proxy:
        proxy.stall_after(FILES * FILE_BYTES * 2 // 3)
        machine = Machine(toy.root, url, go, AWS_ENDPOINT_URL=proxy.address)
        machine.kill_when(proxy)
        (arrived,) = (toy.root / "pulling" / "join").iterdir()
        complete = [path for path in arrived.glob("*.bin") if path.stat().st_size > FILE_BYTES - 99]
        assert complete
        assert not (arrived / "manifest.json").exists()
        assert not list((toy.root / "artifacts").glob("join/*"))
    with cutting_proxy(server.port) as proxy:
        again = Machine(toy.root, url, go, AWS_ENDPOINT_URL=proxy.address).result()
        # What had arrived was not sent again.
        assert proxy.forwarded_bytes < FILES * FILE_BYTES
    assert again["statuses"]["join"] == "pulled"
    store = ArtifactStore.open(str(toy.root))
    assert [store.damage(stage, key, "deep") for stage, key, _ in store.artifacts()] == [None] * 4
    toy.remote = open_remote()
    assert toy.run() == ALL_CACHED
    assert not list((toy.root / "pulling").glob("*/*"))
