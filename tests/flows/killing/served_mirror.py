"""A loopback server of a mirror's folder that sends slowly, so that a kill interrupts transfers.

with served_mirror(folder) as server:
    xlm(root, "run", "--set", f"sources.mirror={server.url}")
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

_PIECE_BYTES = 1 << 15
_PIECE_SECONDS = 0.01


@dataclass
class MirrorServer:
    """The server's URL, and how often each path was sent to its last byte."""

    folder: Path
    url: str = ""
    completed: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    """Requests of a later part of a file."""


@contextmanager
def served_mirror(folder: Path) -> Iterator[MirrorServer]:
    """Serve a folder on the loopback address."""
    mirror = MirrorServer(folder.resolve())
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(mirror))
    mirror.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield mirror
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(mirror: MirrorServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = mirror.folder / unquote(self.path).lstrip("/")
            if not path.is_file():
                self.send_error(404)
                return
            size = path.stat().st_size
            wanted = self.headers.get("Range", "").removeprefix("bytes=")
            first, _, last = wanted.partition("-")
            start, stop = int(first or 0), min(int(last or size) + 1, size)
            if wanted and start >= size:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            mirror.resumed += start > 0
            self.send_response(206 if wanted else 200)
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
            self.send_header("Content-Length", str(stop - start))
            self.send_header("ETag", f'"{size}"')
            self.end_headers()
            with suppress(ConnectionError):  # the client was killed
                self._send(path, start, stop)
                mirror.completed[self.path] += 1

        def _send(self, path: Path, start: int, stop: int) -> None:
            with path.open("rb") as file:
                file.seek(start)
                while start < stop:
                    piece = file.read(min(_PIECE_BYTES, stop - start))
                    self.wfile.write(piece)
                    start += len(piece)
                    time.sleep(_PIECE_SECONDS)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
