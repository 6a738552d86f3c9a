"""A loopback server that sends exact bytes, for answers that no HTTP library would send."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = Callable[[socket.socket, bytes], None]


@contextmanager
def raw_server(answer: Answer, *, reads: bool = True) -> Iterator[str]:
    """Start a server that calls `answer(connection, request)` for each connection; yields its URL.

    Without `reads` the server does not read the request before it calls `answer`.
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
    """Answers with these bytes and closes the connection."""
    return lambda connection, request: connection.sendall(content)


def trickles(first: bytes, piece: bytes, seconds: float = 0.05) -> Answer:
    """Answers with `first`, then repeats `piece` until the client disconnects."""

    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(first)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if piece:
                connection.sendall(piece)
                time.sleep(seconds)
            elif not connection.recv(1):
                return

    return answer


def _request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received and (data := connection.recv(4096)):
        received += data
    return received
