"""Items for the workers: they leave marks in a folder, so that tests see where and how often."""

import os
import signal
import time
from pathlib import Path

from xlm.errors import DataError
from xlm.store.file_jobs import FileJob


def double(number: int) -> int:
    """Return twice the number."""
    return 2 * number


def processes(number: int) -> tuple[int, int]:
    """The process of the item and its parent."""
    return os.getpid(), os.getppid()


def die_on_three(number: int) -> int:
    """End the process in the middle of item 3."""
    if number == 3:
        os._exit(9)
    return number


def kill_worker(number: int) -> int:
    """Kill the Dask worker of this process, and this process with it."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(3600)
    return number


def fail(number: int) -> int:
    """Raise an error of ours."""
    raise DataError(f"line {number}", fix="repair it")


def leave_mark(item: tuple[Path, int]) -> int:
    """Add a mark of this process; item 5 waits the first time, until something ends it."""
    folder, number = item
    with (folder / f"item.{number}").open("a") as file:
        file.write(f"{os.getpid()} {os.getppid()}\n")
    if number == 5 and len(marks(folder, 5)) == 1:
        time.sleep(3600)
    return number


def marks(folder: Path, number: int) -> list[tuple[int, int]]:
    """The processes that began an item, each with its parent."""
    try:
        lines = (folder / f"item.{number}").read_text().splitlines()
    except OSError:
        return []
    return [(int(own), int(parent)) for own, parent in map(str.split, lines)]


def write_number(job: FileJob) -> dict[str, int]:
    """Write the number of a job after `leave_mark` in the folder of the marks."""
    number = int(job.options["number"])
    leave_mark((Path(job.options["marks"]), number))
    job.targets[0].write_text(f"{number}\n")
    return {"number": number}
