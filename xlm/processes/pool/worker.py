"""A worker process, as `worker_process.py` starts it: calls come through a pipe, results go back.

    python -P worker.py DESCRIPTOR SIGNALS

The pipe is this worker's alone: nothing is shared with other workers that a dead one could hold.
Standard library only, and no import of xlm before the driver has sent its `sys.path`.
"""

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection

_LOOK_SECONDS = 0.5


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
    """What a call gave: whether it went well, its result or error, and the error's traceback."""
    try:
        function, args, kwargs = pickle.loads(call)
        return pickle.dumps((True, function(*args, **kwargs), ""))
    except BaseException as error:  # whatever it is, it is the caller's
        text = traceback.format_exc()
        try:
            answer = pickle.dumps((False, error, text))
            pickle.loads(answer)  # some errors can be written and not read
            return answer
        except Exception:
            return pickle.dumps((False, RuntimeError(repr(error)), text))


def _die_with(driver: int) -> None:
    """End when the driver is gone, in the middle of work too."""
    from xlm.processes.parent import die_with_parent

    die_with_parent()

    def watch() -> None:
        while os.getppid() == driver:
            time.sleep(_LOOK_SECONDS)
        os._exit(1)

    # Where the kernel cannot do it, and for a driver that was gone before it was asked.
    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
