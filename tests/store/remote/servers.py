"""Real servers of the S3 protocol, each a process of its own with one bucket."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3

ACCESS_KEY, SECRET_KEY = "AKIATESTTESTTEST", "canarySecretKey/0123456789abcdefghij"
BUCKET = "shared"
_READY_SECONDS = 60.0


@dataclass(frozen=True)
class Server:
    """A running server."""

    address: str
    process: "subprocess.Popen[bytes]"

    @property
    def port(self) -> int:
        """Its port on the loopback interface."""
        return int(self.address.rpartition(":")[2])

    def environment(self) -> dict[str, str]:
        """The variables with which obstore finds the server and its credentials."""
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
        }

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """All objects in the bucket below a prefix."""
        client = self.client()
        found = {}
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
            for one in page.get("Contents", []):
                found[one["Key"]] = client.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
        return found

    def put(self, name: str, data: bytes) -> None:
        """Write an object without any condition."""
        self.client().put_object(Bucket=BUCKET, Key=name, Body=data)

    def delete(self, name: str) -> None:
        """Remove an object."""
        self.client().delete_object(Bucket=BUCKET, Key=name)

    def client(self):
        """A client of another library than the one that is tested."""
        return boto3.client(
            "s3",
            endpoint_url=self.address,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
        )


@contextmanager
def moto(home: Path, *, checks_permissions: bool = False) -> Iterator[Server]:
    """A server that honours all conditions; with `checks_permissions`, credentials count."""
    port = free_port()
    command = [_program("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    extra = {"INITIAL_NO_AUTH_ACTION_COUNT": "5"} if checks_permissions else {}
    with _running(command, port, home, extra) as server:
        yield server


@contextmanager
def localbucket(home: Path) -> Iterator[Server]:
    """A server that honours If-None-Match only, and has no deletion of several objects."""
    port = free_port()
    command = [_program("localbucket"), str(home), "--port", str(port)]
    with _running(command, port, home, {}) as server:
        yield server


@contextmanager
def nanio(home: Path) -> Iterator[Server]:
    """A server that accepts every conditional write, and checks credentials."""
    port = free_port()
    command = [
        _program("nanio"), "serve", "--host", "127.0.0.1", "--port", str(port),
        "--data-dir", str(home / "data"), "--log-level", "error", "--no-access-log",
    ]  # fmt: skip
    keys = {"NANIO_ACCESS_KEY": ACCESS_KEY, "NANIO_SECRET_KEY": SECRET_KEY}
    with _running(command, port, home, keys) as server:
        yield server


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int, home: Path, extra: dict[str, str]) -> Iterator[Server]:
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=home, stdout=log, stderr=log, env={**os.environ, **extra}
        )
    server = Server(f"http://127.0.0.1:{port}", process)
    try:
        _wait(server)
        server.client().create_bucket(Bucket=BUCKET)
        yield server
    finally:
        process.kill()
        process.wait()


def _wait(server: Server) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            urllib.request.urlopen(server.address, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{server.process.args!r} did not start")


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))
