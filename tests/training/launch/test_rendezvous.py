"""How the processes of a cluster find each other: at a port, under the name of their job."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

from tests.repository import REPOSITORY
from xlm.cluster.job import RENDEZVOUS
from xlm.errors import PeerLostError
from xlm.training.launch.error_translation import translate_error

pytestmark = pytest.mark.slow

_JOIN = """
import sys
from datetime import timedelta
import torch
from xlm.training.launch.distributed import join_process_group
with join_process_group("cpu", timeout=timedelta(seconds=float(sys.argv[1]))) as group:
    print(group.sum(torch.tensor([float(sys.argv[2])])).item(), flush=True)
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _start(
    stack: ExitStack, name: str, rank: int, port: int, *, value: float, seconds: float = 120
) -> "subprocess.Popen[str]":
    world = {"RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    process = stack.enter_context(
        subprocess.Popen(
            [sys.executable, "-c", _JOIN, str(seconds), str(value)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, **{n: str(v) for n, v in world.items()}, RENDEZVOUS: name},
        )
    )
    stack.callback(process.kill)
    return process


def test_a_process_of_another_job_at_the_same_port_does_not_join() -> None:
    port = _free_port()
    with ExitStack() as stack:
        first = _start(stack, "ours", 0, port, value=1)
        stranger = _start(stack, "theirs", 1, port, value=100, seconds=20)
        assert stranger.wait(120) != 0
        second = _start(stack, "ours", 1, port, value=2)
        assert [float(one.communicate(timeout=120)[0]) for one in (first, second)] == [3, 3]


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken, ExitStack() as stack:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        first = _start(stack, "ours", 0, taken.getsockname()[1], value=1, seconds=20)
        _, errors = first.communicate(timeout=120)
    assert first.returncode != 0
    translated = translate_error(RuntimeError(errors.strip().splitlines()[-1]))
    assert isinstance(translated, PeerLostError)
    assert "another program uses the port" in translated.what
