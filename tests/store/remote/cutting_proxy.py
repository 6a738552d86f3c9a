"""A TCP proxy before a server: it can cut connections in the middle, or refuse them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class CuttingProxy:
    """Forwards connections to a port of this machine.

    Args:
        port: where the server listens.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._budgets: list[int] = []
        self._most: float = float("inf")
        self.cuts = 0
        self.forwarded_bytes = 0

    @property
    def address(self) -> str:
        """The address to use in place of the server's."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut_after(self, *sizes: int) -> None:
        """Cut the next connections after so many bytes of one direction; 0 cuts at once."""
        with self._lock:
            self._budgets = list(sizes)

    def stall_after(self, size_bytes: int) -> None:
        """Forward only so many more bytes, and then nothing; connections stay open."""
        self._most = self.forwarded_bytes + size_bytes

    @property
    def has_stalled(self) -> bool:
        """Whether data waits that is not forwarded."""
        return self.forwarded_bytes >= self._most

    def run(self) -> None:
        """Accept connections until the listener is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def close(self) -> None:
        """Stop accepting connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._target))
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        done = 0
        with suppress(OSError):
            while data := source.recv(1 << 14):
                done += len(data)
                with self._lock:
                    self.forwarded_bytes += len(data)
                    stalls = self.has_stalled
                if stalls:
                    threading.Event().wait()
                with self._lock:
                    cuts = bool(self._budgets) and done > self._budgets[0]
                    if cuts:
                        self._budgets.pop(0)
                        self.cuts += 1
                if cuts:
                    break
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextmanager
def cutting_proxy(port: int) -> Iterator[CuttingProxy]:
    """A proxy that runs."""
    proxy = CuttingProxy(port)
    threading.Thread(target=proxy.run, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
