"""A loopback server that misbehaves on demand, and a `StageContext` to run stages with."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from xlm.config.data.sources import NetworkConfig
from xlm.corpus.http.client import open_client
from xlm.corpus.http.download.fetcher import Fetcher
from xlm.engine.config import Config
from xlm.engine.stage import StageContext


@dataclass
class File:
    """A file of the loopback server, and how the server misbehaves."""

    content: bytes
    etag: str | None = '"one"'
    last_modified: str | None = None
    ignores_range: bool = False
    hangs_up_after: list[int] = field(default_factory=list)
    """Body bytes after which each of the first requests is cut; later ones succeed."""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses and headers of the first answers."""
    content_range: str | None = None
    no_length: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    on_request: Callable[["File"], None] = lambda file: None
    seconds_per_byte: float = 0.0
    seconds: float = 0.0


@dataclass
class LoopbackServer:
    """A loopback HTTP server with its files by path; it records all requests."""

    base_url: str
    files: dict[str, File] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    at_once: int = 0
    """Requests whose answer has not begun; each of them surely has a connection."""
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, path: str) -> str:
        """The URL of a path."""
        return f"{self.base_url}{path}"

    def ranges(self) -> list[str | None]:
        """The `Range` header of each request."""
        return [headers.get("range") for _, headers in self.requests]


def _handler(server: LoopbackServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            with server.lock:
                server.requests.append((self.path, headers))
                server.at_once += 1
                server.most_at_once = max(server.at_once, server.most_at_once)
            file = server.files.get(self.path)
            try:
                time.sleep(file.seconds if file else 0)
            finally:
                # Before the first byte: after the last one, the client may already ask again.
                with server.lock:
                    server.at_once -= 1
            self._answer(file, headers)

        def _answer(self, file: File | None, request: dict[str, str]) -> None:
            if file is None:
                self._status(404, {"Content-Length": "0"})
                return
            file.on_request(file)
            if file.answers:
                status, headers = file.answers.pop(0)
                self._status(status, {"Content-Length": "0", **headers})
                return
            self._send(file, request)

        def _send(self, file: File, request: dict[str, str]) -> None:
            size = len(file.content)
            wanted = request.get("range")
            validator = file.etag or file.last_modified
            start, stop, status = 0, size, 200
            if (
                wanted
                and not file.ignores_range
                and request.get("if-range", validator) == validator
            ):
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                start, stop = int(first), min(int(last) + 1, size) if last else size
                status = 206
                if start >= size:
                    self._status(416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
                    return
            headers = dict(file.headers)
            if file.etag:
                headers["ETag"] = file.etag
            if file.last_modified:
                headers["Last-Modified"] = file.last_modified
            if status == 206:
                headers["Content-Range"] = file.content_range or f"bytes {start}-{stop - 1}/{size}"
            if not file.no_length:
                headers["Content-Length"] = str(stop - start)
            self._status(status, headers)
            body = file.content[start:stop]
            if file.hangs_up_after:
                body = body[: file.hangs_up_after.pop(0)]
            self._write(body, file.seconds_per_byte)
            self.close_connection = True

        def _write(self, body: bytes, seconds_per_byte: float) -> None:
            if not seconds_per_byte:
                self.wfile.write(body)
                return
            for number in range(len(body)):
                self.wfile.write(body[number : number + 1])
                self.wfile.flush()
                time.sleep(seconds_per_byte)

        def _status(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing."""

    return Handler


@contextmanager
def _serving() -> Iterator[LoopbackServer]:
    made = LoopbackServer("")
    listening = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    made.base_url = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """A loopback server without files."""
    with _serving() as made:
        yield made


@pytest.fixture
def other_server() -> Iterator[LoopbackServer]:
    """Another loopback server without files."""
    with _serving() as made:
        yield made


@pytest.fixture
def waits() -> list[float]:
    """The waits that the fetcher requested, in seconds."""
    return []


@pytest.fixture
def new_file() -> type[File]:
    """The type of the server's files (test modules cannot import a conftest)."""
    return File


@pytest.fixture
def fetcher(waits: list[float]) -> Iterator[Fetcher]:
    """A fetcher without a mirror that records its waits."""
    network = NetworkConfig(attempts=3, timeout_seconds=5.0)
    with open_client(None, network) as client:
        yield Fetcher(client, network, waits.append)


class SerialMapper:
    """Maps in this process."""

    def map(self, function: Callable[[Any], Any], items: Any) -> Iterator[Any]:
        """Apply the function item by item."""
        return map(function, items)


@pytest.fixture
def make_context(tmp_path: Path) -> Callable[..., StageContext[Any]]:
    """Builds the `StageContext` of a unit in the test's own directory."""

    def make(
        config: Config, unit: str = "unit", name: str = "work", **inputs: Path
    ) -> StageContext[Any]:
        folder = tmp_path / name
        for part in ("out", "scratch", "logs"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        return StageContext(
            unit=unit,
            config=config,
            inputs=inputs,
            out=folder / "out",
            scratch=folder / "scratch",
            logs=folder / "logs",
            mapper=SerialMapper(),
            workers=1,
        )

    return make


@pytest.fixture
def paths(tmp_path):
    """The path of a downloaded file, and the path of its partial file."""
    return tmp_path / "out" / "file.bin", tmp_path / "scratch" / "file.part"
