"""A loopback host that sends exactly the bytes that it is given: for lies that no library tells."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = Callable[[socket.socket, bytes], None]


@contextmanager
def raw_server(answer: Answer, *, reads: bool = True) -> Iterator[str]:
    """The URL of a host that answers each connection with `answer(connection, request)`.

    Without `reads` the request is left to `answer`, and the last connection is the host's own.
    """
    server = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            request = _request(connection) if reads else b""
            if request or (not reads and not ended.is_set()):
                answer(connection, request)

    def accept() -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                connection.settimeout(20)
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        ended.set()
        with contextlib.suppress(OSError):
            socket.create_connection(server.getsockname(), timeout=1).close()
        acceptor.join()
        server.close()
        for thread in threads:
            thread.join()


def sends(content: bytes) -> Answer:
    """Answers with these bytes and hangs up."""
    return lambda connection, request: connection.sendall(content)


def trickles(first: bytes, piece: bytes, seconds: float = 0.05) -> Answer:
    """Answers with `first`, then with `piece` again and again, until the client has gone."""

    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(first)
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            if piece:
                connection.sendall(piece)
                time.sleep(seconds)
            elif not connection.recv(1):
                return

    return answer


def _request(connection: socket.socket) -> bytes:
    asked = b""
    while b"\r\n\r\n" not in asked and (data := connection.recv(4096)):
        asked += data
    return asked
