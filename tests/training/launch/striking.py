"""Kills or signals processes of a run from another thread.

    with striking(lambda: os.kill(wait_for_it(), signal.SIGTERM), processes):
        PRETRAIN.run(context)

The run occupies the thread of the test. If the strike fails or has no effect, the run would train
until the time limit of the suite. So its processes are killed, and the test fails with the reason.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 120.0
"""Time for a run to end after the strike, on a busy machine."""


@contextmanager
def striking(
    strike: Callable[[], object], processes: Callable[[], Iterable[int]]
) -> Iterator[None]:
    """Run `strike` in a thread; kill `processes` if it fails or the body does not end."""
    over = threading.Event()

    def strike_or_end() -> None:
        try:
            strike()
            assert over.wait(_PATIENCE_SECONDS), "the run went on after the strike"
        except BaseException:
            while not over.wait(_LOOK_SECONDS):
                for process in processes():
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
            raise

    with ThreadPoolExecutor(1) as pool:
        struck = pool.submit(strike_or_end)
        try:
            yield
        finally:
            over.set()
            struck.result()
