"""Faults that a test gives to the fake API server: the next answers to some requests."""

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Refuse:
    """Answer with a status."""

    status: int
    message: str = "refused by a test"
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Drop:
    """Close the connection without an answer; `after`: the request was carried out."""

    after: bool = False


@dataclass(frozen=True)
class Text:
    """Answer 200 with something that is not JSON."""

    body: str


Fault = Refuse | Drop | Text


class Faults:
    """The faults that are still to come, by request: "POST jobs", "GET pods", "*"."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Fault]] = defaultdict(list)
        self.permanent: Fault | None = None
        """The answer to every request, while it is set."""

    def add(self, request: str, *faults: Fault) -> None:
        """Answer the next requests of a kind with these."""
        with self._lock:
            self._waiting[request].extend(faults)

    def take(self, method: str, plural: str) -> Fault | None:
        """The fault for a request."""
        with self._lock:
            for request in (f"{method} {plural}", "*"):
                if self._waiting[request]:
                    return self._waiting[request].pop(0)
            return self.permanent

    @property
    def left(self) -> int:
        """The number of faults that no request has met."""
        return sum(map(len, self._waiting.values()))
