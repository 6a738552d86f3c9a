"""The limit of connections holds over threads and processes, and ends with its holder."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.corpus.http.fetching import head
from tests.corpus.http.raw_server import raw_server, sends
from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import open_client
from xlm.corpus.http.connections.slots import slot
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.errors import PipelineError

HELD = """
import sys, time
from pathlib import Path
from xlm.corpus.http.connections.slots import slot

def waiting():
    print("waiting", flush=True)

with slot("host.example", 1, Path(sys.argv[1]), waiting):
    print("held", flush=True)
    time.sleep(600)
"""
MANY = """
import sys, threading, time
from pathlib import Path
from xlm.corpus.http.connections.slots import slot

def download():
    while True:
        with slot("host.example", 1, Path(sys.argv[1]), lambda: None):
            print("held", flush=True)
            time.sleep(0.05)

for _ in range(8):
    threading.Thread(target=download).start()
"""
FETCHES = """
import sys, threading
from pathlib import Path
from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import open_client
from xlm.corpus.http.download.fetcher import Fetcher

url, root = sys.argv[1], Path(sys.argv[2])
network = NetworkConfig(timeout_seconds=60)
with open_client(None, network) as client:
    def fetch(name):
        Fetcher(client, network).file(f"{url}/{name}", root / name, part=root / f"{name}.part")
    threads = [threading.Thread(target=fetch, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print(len(list(root.iterdir())))
"""


@pytest.fixture
def start():
    started = []

    def start(code, *arguments, **environment):
        command = ["env", "--default-signal=INT", sys.executable, "-c", code, *map(str, arguments)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=os.environ | environment
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_processes_with_different_roots_share_the_limit(server, new_file, start, tmp_path):
    for number in range(4):
        server.files[f"/{number}"] = new_file(b"content\n", seconds=0.3)
    processes = [start(FETCHES, server.base_url, tmp_path / name) for name in ("one", "two", "six")]
    for process in processes:
        output, _ = process.communicate(timeout=300)
        assert (process.returncode, output) == (0, "4\n")
    assert server.most_at_once == 2


@pytest.mark.fault
def test_the_slot_of_a_killed_process_is_free(start, tmp_path):
    holder = start(HELD, tmp_path)
    assert holder.stdout.readline() == "held\n"
    waits = []

    def wait():
        waits.append(1)
        holder.kill()

    with slot("host.example", 1, tmp_path, wait):
        assert waits
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_process_with_many_downloads_leaves_slots_to_others(start, tmp_path):
    many = start(MANY, tmp_path)
    assert many.stdout.readline() == "held\n"
    for _ in range(3):
        with slot("host.example", 1, tmp_path, lambda: None):
            assert many.poll() is None


@pytest.mark.slow
def test_ctrl_c_ends_a_wait(start, tmp_path):
    with slot("host.example", 1, tmp_path, lambda: None):
        waiting = start(HELD, tmp_path)
        assert waiting.stdout.readline() == "waiting\n"
        waiting.send_signal(signal.SIGINT)
        waiting.communicate(timeout=300)
        assert waiting.returncode == -signal.SIGINT


@pytest.mark.parametrize("is_held_by_this_process", [True, False])
def test_an_interrupted_run_ends_its_waits(tmp_path, is_held_by_this_process):
    def interrupted():
        raise PipelineError("interrupted")

    server, name = "host.example:5", "host.example_5"
    limit = 1 if is_held_by_this_process else 2
    with slot(server, 1, tmp_path, lambda: None):
        held = tmp_path / sorted(path.name for path in tmp_path.iterdir())[0]
        assert held.name.startswith(name)
        if not is_held_by_this_process:
            # With another limit, only the file is held, as by another process.
            server_files = held.with_suffix(".1")
            os.link(held, server_files)
        with pytest.raises(PipelineError), slot(server, limit, tmp_path, interrupted):
            pass


def test_a_damaged_folder_is_one_warning_and_the_limit_holds_in_the_process(tmp_path, caplog):
    gone, most, inside = tmp_path / "gone", [0], []

    def work():
        with slot("host.example:7", 2, gone, lambda: None):
            inside.append(1)
            most[0] = max(most[0], len(inside))
            threading.Event().wait(0.05)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 2
    assert len(caplog.records) == 1
    assert "No such file" in caplog.text


def test_a_disk_that_refuses_locks_costs_no_descriptor(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    before = _open_below(tmp_path)
    for _ in range(3):
        with slot("host.example:9", 1, tmp_path, lambda: None):
            assert _open_below(tmp_path) == before == []


def _open_below(folder):
    """The files of a folder that this process has open."""
    links = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            links.append(descriptor.readlink())
    return [link for link in links if link.is_relative_to(folder)]


def test_a_link_in_place_of_a_lock_is_not_followed(tmp_path, caplog):
    target = tmp_path / "target"
    with slot("host.example:8", 1, tmp_path, lambda: None):
        (lock,) = tmp_path.iterdir()
    lock.symlink_to(target)
    with slot("host.example:8", 1, tmp_path, lambda: None):
        assert not target.exists()
    assert "only counted within this process" in caplog.text


def _fetch_all(urls, tmp_path, mirror=None, **settings):
    network = NetworkConfig(timeout_seconds=60, **settings)
    with open_client(mirror, network) as client:
        threads = [
            threading.Thread(
                target=Fetcher(client, network).file,
                args=(url, tmp_path / f"{number}"),
                kwargs={"part": tmp_path / f"{number}.part"},
            )
            for number, url in enumerate(urls)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert all((tmp_path / f"{number}").exists() for number in range(len(urls)))


def test_files_of_many_servers_count_for_their_mirror(server, new_file, tmp_path):
    hosts = ["one.example", "two.example", "three.example", "four.example"]
    for host in hosts:
        server.files[f"/{host}/a"] = new_file(b"content\n", seconds=0.1)
    _fetch_all([f"https://{host}/a" for host in hosts], tmp_path, mirror=server.base_url)
    assert server.most_at_once == 2


def test_a_redirect_counts_for_the_server_that_it_leads_to(server, new_file, tmp_path):
    server.files["/target"] = new_file(b"content\n", seconds=0.2)
    found = sends(head("302 Found", Location=server.url("/target"), Content_Length=0))
    with raw_server(found) as one, raw_server(found) as two:
        urls = [f"{url}/{number}" for number in range(3) for url in (one, two)]
        _fetch_all(urls, tmp_path, redirect_hosts=("127.0.0.1",), connections_per_host=1)
    assert server.most_at_once == 1
