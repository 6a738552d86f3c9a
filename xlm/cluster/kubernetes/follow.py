"""What the pods of a job print, while they print it.

    for line in PodLogs(api, name, is_live).lines(): ...       # "POD: text"

The logs of training are files in the store. This shows what a pod prints besides: the lines of our
agent, or the error of a pod that cannot start it; also where the store cannot be seen.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from xlm.cluster.kubernetes import names
from xlm.cluster.kubernetes.api import PODS, ClusterApi
from xlm.errors import ClusterError, UnreachableClusterError

_PAUSE_SECONDS = 0.5
"""Between two requests, if a watch or a log ends at once."""
_CHECK_SECONDS = 2.0
"""Between two questions whether the job lives."""


class PodLogs:
    """Follows the pods of one job: those that run, and those that start later."""

    def __init__(self, api: ClusterApi, job: str, is_live: Callable[[], bool]) -> None:
        """`is_live`: whether the job may still start pods; may raise UnreachableClusterError."""
        self._api, self._job, self._is_live = api, job, is_live
        self._lines: queue.Queue[str] = queue.Queue()
        self._readers: dict[str, threading.Thread] = {}
        self._ended = threading.Event()
        self._error: ClusterError | None = None

    def lines(self) -> Iterator[str]:
        """Lines of all pods in the order of their arrival, until the job has ended.

        Raises:
            ClusterError: the server refused to show pods or logs.
        """
        watcher = threading.Thread(target=self._guarded, args=(self._watch,), daemon=True)
        watcher.start()
        try:
            while True:
                # Asked first: pods and lines that come before the answer are printed below.
                lives = self._lives()
                try:
                    while True:
                        yield self._lines.get(timeout=_CHECK_SECONDS)
                except queue.Empty:
                    if self._error is not None:
                        raise self._error from None
                    reads = any(one.is_alive() for one in list(self._readers.values()))
                    if not lives and not reads:
                        return
        finally:
            self._ended.set()

    def _lives(self) -> bool:
        try:
            return self._is_live()
        except UnreachableClusterError:
            return True

    def _guarded(self, work: Callable[..., None], *arguments: str) -> None:
        try:
            work(*arguments)
        except ClusterError as error:
            self._error = error

    def _watch(self) -> None:
        """Start a reader for each pod that runs or has run."""
        version = ""
        while not self._ended.is_set():
            try:
                if not version:
                    pods, version = self._api.find_with_version(PODS, names.selector(self._job))
                    for pod in pods:
                        self._see(pod)
                for event in self._api.watch(PODS, names.selector(self._job), version):
                    if event["type"] == "ERROR":
                        version = ""  # too old: the changes since then are lost
                        break
                    version = event["object"]["metadata"]["resourceVersion"]
                    self._see(event["object"])
            except UnreachableClusterError:
                pass
            self._ended.wait(_PAUSE_SECONDS)

    def _see(self, pod: Mapping[str, Any]) -> None:
        name = names.name_of(pod)
        phase = (pod.get("status") or {}).get("phase", "Pending")
        if phase != "Pending" and name not in self._readers:
            reader = threading.Thread(target=self._guarded, args=(self._read, name), daemon=True)
            self._readers[name] = reader
            reader.start()

    def _read(self, pod: str) -> None:
        """All lines of a pod, each once."""
        last = ""
        while not self._ended.is_set():
            try:
                for line in self._api.log(pod, since=_second(last)):
                    time, _, text = line.partition(" ")
                    if time > last:
                        last = time
                        self._lines.put(f"{pod}: {text}")
                if self._has_ended(pod):
                    return
            except UnreachableClusterError:
                pass
            self._ended.wait(_PAUSE_SECONDS)

    def _has_ended(self, pod: str) -> bool:
        """Whether a pod will print nothing more."""
        selector = names.selector(self._job)
        found = self._api.find(PODS, selector, fields=f"metadata.name={pod}")
        phases = [(one.get("status") or {}).get("phase") for one in found]
        return all(phase in ("Succeeded", "Failed") for phase in phases)


def _second(time: str) -> str:
    """The second of a time; the server compares no finer."""
    return f"{time.partition('.')[0].rstrip('Z')}Z" if time else ""
