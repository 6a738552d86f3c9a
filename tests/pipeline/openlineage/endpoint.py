"""A real server that gets OpenLineage events."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Event = dict[str, Any]


class Endpoint:
    """A server of OpenLineage's interface, which keeps what it gets.

    Args:
        status: its answer.
        on_event: is called with each event before it is answered.
    """

    def __init__(
        self, status: int = 201, on_event: Callable[[Event], None] = lambda event: None
    ) -> None:
        self.events: list[Event] = []
        self.tokens: list[str] = []
        self.hangs_until = threading.Event()
        self.hangs_until.set()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.hangs_until.wait(60)
                on_event(json.loads(body))
                endpoint.events.append({"path": self.path, **json.loads(body)})
                endpoint.tokens.append(self.headers.get("Authorization", ""))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.hangs_until.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
