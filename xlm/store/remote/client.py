"""Requests to an object store from any thread, which can stop waiting for them.

    client = Client(connect(url), url)
    client.read_small("xlm-remote.json", check=interruption.check)

All requests are sent by one event loop in a separate thread. The caller waits in short steps and
calls `check`, so Ctrl-C ends a transfer at once, and a request that hangs is cancelled.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from xlm.errors import DamagedRemoteError, XlmError
from xlm.store.disk.filesystem import MAX_SMALL_BYTES
from xlm.store.remote.exit import wait_at_exit
from xlm.store.remote.faults import is_missing, translated

ResultT = TypeVar("ResultT")
Check = Callable[[], None]
"""Called several times a second; an exception from it ends the wait."""

_POLL_SECONDS = 0.2
_LISTED_AT_ONCE = 1000
SMALL_SECONDS = 40.0
"""For a request about a small object with all its repetitions: nodes wait for the answer."""
_ABORT_SECONDS = 5.0
"""How long the parts of a broken upload are waited for when they are removed."""


@dataclass(frozen=True)
class ObjectInfo:
    """What a listing says about an object."""

    name: str
    size_bytes: int
    modified: datetime


@dataclass(frozen=True)
class Block:
    """A part of an object, and the size of the whole."""

    data: bytes
    total_bytes: int


class Client:
    """Sends requests to one object store. Methods are called from many threads."""

    def __init__(self, objects: Any, url: str) -> None:
        self._objects = objects
        self.url = url
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def read_small(self, name: str, check: Check) -> bytes | None:
        """Read a small object; None if it does not exist.

        Raises:
            DamagedRemoteError: it is too large.
            RemoteStoreError: the request failed.
        """

        async def read() -> bytes:
            found = await self._objects.get_async(name)
            if found.meta["size"] > MAX_SMALL_BYTES:
                raise DamagedRemoteError(f"{name} in {self.url} is too large", fix="remove it")
            return bytes(await found.bytes_async())

        return self._if_present(self._start(read, SMALL_SECONDS), check, name)

    def start_block(self, name: str, first: int, length: int) -> "Future[Block]":
        """Begin to read a part of an object; see `finish_block`."""

        async def read() -> Block:
            if not length:  # an empty object has no ranges
                return Block(b"", int((await self._objects.head_async(name))["size"]))
            options = {"range": (first, first + length)}
            found = await self._objects.get_async(name, options=options)
            return Block(bytes(await found.bytes_async()), int(found.meta["size"]))

        return self._start(read)

    def finish_block(self, name: str, block: "Future[Block]", check: Check) -> Block | None:
        """Wait for a block; None if the object does not exist.

        Raises:
            RemoteStoreError: the request failed.
        """
        return self._if_present(block, check, name)

    def size_bytes(self, name: str, check: Check) -> int | None:
        """The size of an object; None if it does not exist."""

        async def read() -> int:
            return int((await self._objects.head_async(name))["size"])

        return self._if_present(self._start(read, SMALL_SECONDS), check, name)

    def create(self, name: str, data: bytes, check: Check) -> bool:
        """Write an object if it does not exist; False if it exists, and is unchanged."""

        async def write() -> None:
            await self._objects.put_async(name, data, mode="create")

        sent = self._done(self._start(write, SMALL_SECONDS), check)
        try:
            sent.result()
        except Exception as error:
            if type(error).__name__ in ("AlreadyExistsError", "PreconditionError"):
                return False
            raise self._translated(error, f"writing {name}") from None
        return True

    def write_small(self, name: str, data: bytes, check: Check) -> None:
        """Write an object in one request, in place of another one."""

        async def write() -> None:
            await self._objects.put_async(name, data, use_multipart=False)

        self._finish(self._start(write), check, f"writing {name}")

    def write_blocks(
        self, name: str, blocks: Iterator[bytes], block_bytes: int, parallel: int, check: Check
    ) -> None:
        """Write a large object in parts; nothing of it stays if it cannot be completed.

        Args:
            name: the name of the object.
            blocks: its contents.
            block_bytes: the size of a part; only the last one may be smaller.
            parallel: how many parts are sent, and held in memory, at the same time.
            check: see `Check`.
        """
        from obstore import open_writer_async

        writer: Any = open_writer_async(
            self._objects, name, buffer_size=block_bytes, max_concurrency=parallel
        )
        doing = f"writing {name}"
        try:
            for block in blocks:
                self._finish(self._start(partial(writer.write, block)), check, doing)
            self._finish(self._start(writer.close), check, doing)
        except BaseException as error:
            leaving = (type(error), error, error.__traceback__)
            with suppress(Exception):
                self._start(lambda: writer.__aexit__(*leaving)).result(timeout=_ABORT_SECONDS)
            raise

    def listed(self, prefix: str, check: Check) -> list[ObjectInfo]:
        """All objects below a folder, or in the whole store for an empty prefix."""

        async def read() -> list[ObjectInfo]:
            found = []
            stream = self._objects.list(prefix or None, chunk_size=_LISTED_AT_ONCE)
            async for objects in stream:
                found += [
                    ObjectInfo(one["path"], int(one["size"]), one["last_modified"])
                    for one in objects
                ]
            return found

        return self._finish(self._start(read), check, f"listing {prefix or 'all objects'}")

    def delete(self, names: Sequence[str], check: Check) -> None:
        """Delete objects; those that are missing count as deleted."""
        for name in names:

            async def remove(name: str = name) -> None:
                with suppress(FileNotFoundError):
                    await self._objects.delete_async(name)

            self._finish(self._start(remove), check, f"deleting {name}")

    def _finish(self, future: "Future[ResultT]", check: Check, doing: str) -> ResultT:
        self._done(future, check)
        try:
            return future.result()
        except Exception as error:
            raise self._translated(error, doing) from None

    def _if_present(self, future: "Future[ResultT]", check: Check, name: str) -> ResultT | None:
        self._done(future, check)
        try:
            return future.result()
        except Exception as error:
            if is_missing(error):
                return None
            raise self._translated(error, f"reading {name}") from None

    def _translated(self, error: Exception, doing: str) -> Exception:
        return error if isinstance(error, XlmError) else translated(error, self.url, doing)

    def _start(
        self, request: Callable[[], Awaitable[ResultT]], most_seconds: float | None = None
    ) -> "Future[ResultT]":
        async def run() -> ResultT:
            return await asyncio.wait_for(request(), most_seconds)

        return asyncio.run_coroutine_threadsafe(run(), self._running_loop())

    def _done(self, future: "Future[ResultT]", check: Check) -> "Future[ResultT]":
        """Wait until a request is done; if `check` raises, cancel it."""
        try:
            while not wait([future], timeout=_POLL_SECONDS).done:
                check()
        except BaseException:
            future.cancel()
            raise
        return future

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                wait_at_exit()
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._loop.run_forever, name="remote store", daemon=True
                ).start()
            return self._loop
