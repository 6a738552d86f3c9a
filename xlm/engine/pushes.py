"""Pushes what a run builds to the remote store while later nodes are built.

pushes.expect(node, key)        # before the build: if this process is killed, the next run pushes
pushes.after(built)             # after it, without the key's lock
pushes.finish()                 # at the end of the run
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context

from xlm.display.markdown import format_size
from xlm.engine.building.built import Built
from xlm.engine.events import Observer
from xlm.engine.stage import Node
from xlm.errors import PipelineError
from xlm.store.remote.level import RemoteLevel
from xlm.store.remote.pushing import Pushed
from xlm.store.remote.transfers import ByteCount
from xlm.store.store import ArtifactStore

_AT_ONCE = 2
_REPORT_SECONDS = 30.0
_POLL_SECONDS = 0.2


class Pushes:
    """The pushes of one run; nothing without a remote store. Methods are called from many threads.

    Args:
        check: raises if the run was interrupted; pushes then end, and the next run goes on.
    """

    def __init__(
        self,
        remote: RemoteLevel | None,
        store: ArtifactStore,
        observer: Observer,
        check: Callable[[], None],
    ) -> None:
        self._remote, self._store, self._observer, self._check = remote, store, observer, check
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._futures: list[Future[None]] = []
        self._counts: dict[Node, ByteCount] = {}

    def expect(self, node: Node, key: str) -> None:
        """Record that the artifact which is built now has to be pushed."""
        if self._remote is not None:
            self._remote.expect_push(node.stage, key)

    def after(self, built: Built) -> None:
        """Begin to push an artifact, if this run built it or an earlier push did not end."""
        if self._remote is None:
            return
        key = built.artifact.manifest.key
        if (built.node.stage, key) not in self._remote.pending:
            return
        with self._lock:
            if built.node in self._counts:
                return
            self._counts[built.node] = ByteCount()
            if self._pool is None:
                self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="push")
            # Log lines of the push belong to the task that built the artifact.
            self._futures.append(self._pool.submit(copy_context().run, self._push, built.node, key))

    def finish(self) -> None:
        """Wait until all pushes have ended; if the run was interrupted, end them."""
        next_report = time.monotonic() + _REPORT_SECONDS
        while waiting := [one for one in list(self._futures) if not one.done()]:
            wait(waiting, timeout=_POLL_SECONDS)
            if time.monotonic() >= next_report:
                for node, count in list(self._counts.items()):
                    done = format_size(count.done)
                    self._observer.noticed(node, f"pushing to the remote store, {done} so far")
                next_report = time.monotonic() + _REPORT_SECONDS
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown()
                self._pool = None

    def _push(self, node: Node, key: str) -> None:
        try:
            self._push_locked(node, key)
        except PipelineError:
            return  # interrupted: the next run goes on
        except Exception as error:
            self._observer.noticed(node, f"was not pushed to the remote store: {error}")
        finally:
            with self._lock:
                del self._counts[node]

    def _push_locked(self, node: Node, key: str) -> None:
        if self._remote is None:
            return
        self._check()
        with self._store.lock(
            node.stage, key, self._check, lambda line: self._observer.noticed(node, line)
        ):
            pushed = self._remote.push(node.stage, key, self._counts[node].add, self._check)
        if pushed is not None and pushed.outcome == "different":
            self._observer.noticed(node, difference_line(pushed))


def difference_line(pushed: Pushed) -> str:
    """What to know and do if the remote store has other bytes of the same key."""
    manifest, other = pushed.manifest, pushed.remote.manifest
    return (
        f"the remote store keeps other bytes of {manifest.key[:12]} (digest {other.digest[:12]}, "
        f"here {manifest.digest[:12]}): the stage is not deterministic; `xlm store push "
        f"{manifest.stage}/{manifest.key} --replace` replaces them"
    )
