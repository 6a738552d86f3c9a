"""One check: its verdict, what was found, and what to do.

yield Check.ok("controller", "Slurm 24.11.5")
yield Check.failed("partition", "there is no partition gpus", "choose one of: cpu, gpu")
yield from caught("controller", _controller(settings))
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from xlm.errors import XlmError
from xlm.redaction import redact

T = TypeVar("T")
STUCK_SECONDS = 20.0
"""Time for a call of a file system, which may be one whose server is away."""


class Verdict(StrEnum):
    """What a check says."""

    OK = "ok"
    WARNING = "warning"
    """It may fail, or it could not be checked from here."""
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Check:
    """The result of a check."""

    name: str
    verdict: Verdict
    found: str
    """What was found, in one line."""
    fix: str = ""
    """What to do; empty if all is well."""

    @classmethod
    def ok(cls, name: str, found: str) -> "Check":
        """All is well."""
        return cls(name=name, verdict=Verdict.OK, found=redact(found))

    @classmethod
    def warning(cls, name: str, found: str, fix: str) -> "Check":
        """It may fail, or it could not be checked."""
        return cls(name=name, verdict=Verdict.WARNING, found=redact(found), fix=redact(fix))

    @classmethod
    def failed(cls, name: str, found: str, fix: str) -> "Check":
        """A job would fail."""
        return cls(name=name, verdict=Verdict.FAILED, found=redact(found), fix=redact(fix))

    @property
    def has_failed(self) -> bool:
        """Whether a job would fail."""
        return self.verdict == Verdict.FAILED


def caught(name: str, checks: Iterator[Check]) -> Iterator[Check]:
    """The checks; an error of one is a failed check, and ends them."""
    try:
        yield from checks
    except XlmError as error:
        yield Check.failed(name, error.what, error.fix or "see docs/how-to for this launcher")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        yield Check.failed(name, f"{where}{error.strerror or error}", "check the path and its disk")


def within(seconds: float, call: Callable[[], T]) -> T:
    """The result of a call that may hang, as those of a file system whose server is away do.

    Raises:
        TimeoutError: it did not end in time; its thread is left behind.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    with suppress(IndexError):
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return results[0]
