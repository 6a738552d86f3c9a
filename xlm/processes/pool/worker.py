"""A worker process, started by `worker_process.py`: receives calls and sends results by a pipe.

    python -P worker.py DESCRIPTOR SIGNALS

Workers share no pipe and no lock, so a dead one cannot block the others. Standard library only, and
no import of xlm before the driver has sent its `sys.path`.
"""

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection

_CHECK_SECONDS = 0.5


def main(descriptor: int, signals: str) -> None:
    """Serve calls until the driver closes its end of the pipe or dies; ignore `signals`."""
    # Ctrl-C reaches the whole process group of the terminal, and SIGTERM may. The driver decides
    # when its workers end.
    for number in signals.split(","):
        signal.signal(int(number), signal.SIG_IGN)
    connection: Connection = Connection(descriptor)
    try:
        driver, sys.path[:] = pickle.loads(connection.recv_bytes())
        _die_with(driver)
        while True:
            connection.send_bytes(_answer(connection.recv_bytes()))
    except (EOFError, OSError):
        return


def _answer(call: bytes) -> bytes:
    """Run a call; returns whether it succeeded, its result or error, and the traceback."""
    try:
        function, args, kwargs = pickle.loads(call)
        return pickle.dumps((True, function(*args, **kwargs), ""))
    except BaseException as error:  # any error is raised in the driver
        text = traceback.format_exc()
        try:
            answer = pickle.dumps((False, error, text))
            pickle.loads(answer)  # some errors can be pickled but not unpickled
            return answer
        except Exception:
            return pickle.dumps((False, RuntimeError(repr(error)), text))


def _die_with(driver: int) -> None:
    """End when the driver dies, also in the middle of a call."""
    from xlm.processes.parent import die_with_parent

    die_with_parent()

    def watch() -> None:
        while os.getppid() == driver:
            time.sleep(_CHECK_SECONDS)
        os._exit(1)

    # For systems without PR_SET_PDEATHSIG, and for a driver that died before that was set.
    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
