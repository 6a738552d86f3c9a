"""Pushes of one key at the same time, and transfers that are interrupted."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.engine.toy import Toy
from tests.store.remote.conftest import OpenRemote
from tests.store.remote.cutting_proxy import cutting_proxy
from tests.store.remote.machine import FILE_BYTES, join
from tests.store.remote.servers import Server
from xlm.engine.stage import Node, StageContext, StageResult
from xlm.errors import PipelineError
from xlm.processes.pool.executor import WorkerPool
from xlm.store.remote.pending import PendingPushes
from xlm.store.remote.pushing import Pushed, push_artifact
from xlm.store.remote.remote_store import RemoteStore
from xlm.store.remote.verification import verify_remote
from xlm.store.store import ArtifactStore

pytestmark = pytest.mark.slow

BUILDERS = 6
JOIN = Node("join", "all")


@pytest.mark.parametrize("bytes_differ", [False, True])
def test_one_of_many_pushes_wins_and_the_others_leave_nothing(
    tmp_path: Path, pool: WorkerPool, open_remote: OpenRemote, bytes_differ: bool
) -> None:
    stores = []
    for number in range(BUILDERS):
        text = f"en 0\nsw 0\n{number if bytes_differ else ''}"

        def write(context: StageContext, text: str = text) -> StageResult:
            (context.out / "joined.txt").write_text(text)
            return StageResult()

        toy = Toy(tmp_path / str(number), pool).with_stage("join", run=write)
        toy.run(until="join")
        stores.append(ArtifactStore.open(str(toy.root)))
    key = toy.directory(JOIN).name
    start = threading.Barrier(BUILDERS)

    def push(store: ArtifactStore) -> Pushed:
        remote = open_remote()
        start.wait()
        return push_artifact(remote, store, "join", key)

    with ThreadPoolExecutor(BUILDERS) as threads:
        pushed = list(threads.map(push, stores))
    outcomes = sorted(one.outcome for one in pushed)
    second = "different" if bytes_differ else "present"
    assert outcomes == sorted(["pushed", *[second] * (BUILDERS - 1)])
    assert len({one.remote.builder for one in pushed}) == 1
    report = verify_remote(open_remote(), "deep")
    assert (report.checked, report.damaged, report.orphans) == (1, [], [])


@pytest.mark.parametrize("what", ["push", "pull"])
def test_an_interrupted_transfer_ends_at_once_although_the_server_hangs(
    here: Toy,
    there: Toy,
    moto_server: Server,
    server: Server,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    for machine in (here, there):
        machine.with_stage("join", run=join)
    if what == "pull":
        here.run()
    with cutting_proxy(server.port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
        machine = here if what == "push" else there
        machine.remote = RemoteStore.open(url, insecure=True)
        proxy.stall_after(2 * FILE_BYTES)
        interrupted = []

        def interrupt(run) -> None:
            while not proxy.has_stalled:
                time.sleep(0.01)
            interrupted.append(time.monotonic())
            run.interruption.interrupt()

        try:
            with machine.open() as run:
                thread = threading.Thread(target=interrupt, args=(run,))
                thread.start()
                for node in run.selected:
                    run.build(node)
        except PipelineError:
            pass
        thread.join()
        assert time.monotonic() - interrupted[0] < 15
    machine.remote = RemoteStore.open(url, insecure=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
    machine.remote = RemoteStore.open(url, insecure=True)
    machine.run()
    assert list(PendingPushes(machine.root)) == []
    report = verify_remote(machine.remote, "deep")
    assert (report.checked, report.damaged, report.orphans) == (4, [], [])
