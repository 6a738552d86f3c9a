"""Requests to the API server of a cluster, repeated while it does not answer.

    api = ClusterApi(connect(settings))
    api.find(PODS, "xlm-pipeline/job=xlm-pretrain-0123456789abcdef")

Every request may be sent twice, because an answer can be lost after the server has acted: creation
is refused the second time (`create` returns False), and the others change nothing.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from xlm.cluster.kubernetes.access import Access
from xlm.cluster.kubernetes.refusals import Answer, one_line, refusal
from xlm.errors import UnreachableClusterError

Document = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of objects of the API."""

    plural: str
    root: str
    """Path of its group and version."""


JOBS: Final = Kind("jobs", "/apis/batch/v1")
JOBSETS: Final = Kind("jobsets", "/apis/jobset.x-k8s.io/v1alpha2")
SERVICES: Final = Kind("services", "/api/v1")
PODS: Final = Kind("pods", "/api/v1")
EVENTS: Final = Kind("events", "/api/v1")

_CONNECT_SECONDS, _READ_SECONDS = 5.0, 20.0
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.25, 5.0


class ClusterApi:
    """Requests about the objects of one namespace.

    Every method raises `ClusterError` if the server refuses the request, and
    `UnreachableClusterError` if there was no answer within `patience_seconds`.
    """

    accept = "application/json"
    """The form of answers."""

    def __init__(
        self,
        access: Access,
        *,
        patience_seconds: float = 30.0,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.namespace = access.namespace
        self._client = access.client
        self._patience_seconds = patience_seconds
        self._wait = wait

    def has(self, kind: Kind) -> bool:
        """Whether the cluster knows a kind."""
        answer = self._send("GET", kind.root, f"look for {kind.plural}", accepted=(404,))
        return answer.status != 404 and any(
            one.get("name") == kind.plural for one in answer.document().get("resources", ())
        )

    def create(self, kind: Kind, body: Document) -> bool:
        """Create an object; False: there is one of its name.

        The server checks the fields strictly: it would drop those that its version does not know.
        """
        query = {"fieldValidation": "Strict"}
        path, action = self._path(kind), f"create {kind.plural}"
        return self._send("POST", path, action, query, body, accepted=(409,)).status != 409

    def get(self, kind: Kind, name: str) -> Document | None:
        """An object; None: there is none of this name."""
        answer = self._send("GET", self._path(kind, name), f"get {kind.plural}", accepted=(404,))
        return None if answer.status == 404 else answer.document()

    def find(self, kind: Kind, selector: str = "", *, fields: str = "") -> list[Document]:
        """The objects with these labels and fields."""
        return self.find_with_version(kind, selector, fields=fields)[0]

    def find_with_version(
        self, kind: Kind, selector: str = "", *, fields: str = ""
    ) -> tuple[list[Document], str]:
        """The objects, and the version of the list, from which a watch can go on."""
        query = {"labelSelector": selector, "fieldSelector": fields}
        path = self._path(kind)
        document = self._send("GET", path, f"list {kind.plural}", query).document()
        return document.get("items") or [], document["metadata"].get("resourceVersion", "")

    def patch(self, kind: Kind, name: str, body: Document) -> None:
        """Change some fields of an object; nothing happens if there is none of this name."""
        path, action = self._path(kind, name), f"patch {kind.plural}"
        self._send("PATCH", path, action, {}, body, accepted=(404,))

    def delete(self, kind: Kind, name: str, *, grace_seconds: int | None = None) -> None:
        """Delete an object after all that belongs to it; nothing happens if there is none.

        Args:
            grace_seconds: time between SIGTERM and SIGKILL for a pod; None: what the pod says.
        """
        options = {"propagationPolicy": "Foreground"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = str(grace_seconds)
        path, action = self._path(kind, name), f"delete {kind.plural}"
        self._send("DELETE", path, action, options, accepted=(404,))

    def watch(self, kind: Kind, selector: str, version: str) -> Iterator[Document]:
        """Changes of objects since a version, until the server or the network ends the watch.

        A line that is not JSON ends it too: the answer was cut off, or a proxy gave it.

        The last event has the type ERROR if the version is too old: list the objects again.
        """
        query = {"watch": "true", "labelSelector": selector, "resourceVersion": version}
        for line in self._stream(self._path(kind), query, f"watch {kind.plural}"):
            if line:
                try:
                    yield json.loads(line)
                except ValueError:
                    return

    def log(self, pod: str, *, since: str) -> Iterator[str]:
        """Lines that a pod prints, each after its time, until it or the network ends.

        Args:
            since: a time such as 2026-11-29T08:00:00Z; empty: all lines.
        """
        query = {"follow": "true", "timestamps": "true", "sinceTime": since}
        path = f"{self._path(PODS, pod)}/log"
        for line in self._stream(path, query, "get pods/log"):
            yield line.decode("utf-8", errors="replace")

    def _stream(self, path: str, query: Mapping[str, str], action: str) -> Iterator[bytes]:
        """Lines of an answer as they come; a connection that breaks ends them."""
        import urllib3
        from kubernetes.client.exceptions import ApiException

        try:
            response = self._request("GET", path, query, None)
        except (urllib3.exceptions.HTTPError, ApiException) as error:
            raise self._unreachable(action, one_line(error, 200)) from error
        try:
            if response.status != 200:
                answer = _answer(response)
                if answer.may_pass:
                    raise self._unreachable(action, answer.message)
                raise refusal(action, answer, self.namespace)
            yield from _lines(response.response)
        except urllib3.exceptions.HTTPError:
            return
        finally:
            response.response.close()

    def _path(self, kind: Kind, name: str = "") -> str:
        path = f"{kind.root}/namespaces/{self.namespace}/{kind.plural}"
        return f"{path}/{name}" if name else path

    def _send(
        self,
        method: str,
        path: str,
        action: str,
        query: Mapping[str, str] | None = None,
        body: Document | None = None,
        *,
        accepted: tuple[int, ...] = (),
    ) -> Answer:
        deadline = time.monotonic() + self._patience_seconds
        for attempt in range(1, 1000):
            answer, reason = self._try(method, path, query or {}, body)
            if answer is not None and not answer.may_pass:
                if answer.status < 300 or answer.status in accepted:
                    return answer
                raise refusal(action, answer, self.namespace)
            requested = answer.retry_after_seconds if answer else None
            seconds = max(_delay_seconds(attempt), requested or 0.0)
            if time.monotonic() + seconds > deadline:
                break
            self._wait(seconds)
        raise self._unreachable(action, reason)

    @staticmethod
    def _unreachable(action: str, reason: str) -> UnreachableClusterError:
        return UnreachableClusterError(
            f"the Kubernetes API server did not {action}: {reason}",
            fix="check `kubectl cluster-info`; a job that was created goes on meanwhile",
        )

    def _try(
        self, method: str, path: str, query: Mapping[str, str], body: Document | None
    ) -> tuple[Answer | None, str]:
        """The answer, or why there is none."""
        import urllib3
        from kubernetes.client.exceptions import ApiException

        try:
            answer = _answer(self._request(method, path, query, body))
        except urllib3.exceptions.HTTPError as error:
            return None, one_line(error, 200)
        except ApiException as error:  # TLS
            return None, str(error.reason)
        return answer, f"it answered {answer.status}: {answer.message}"

    def _request(
        self, method: str, path: str, query: Mapping[str, str], body: Document | None
    ) -> Any:
        headers = {"Accept": self.accept}
        if body is not None:
            is_patch = method == "PATCH"
            headers["Content-Type"] = f"application/{'merge-patch+' if is_patch else ''}json"
        serialized = self._client.param_serialize(
            method=method,
            resource_path=path,
            query_params=[(name, value) for name, value in query.items() if value],
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        # A watch or a log without news for this time is opened again.
        timeout = (_CONNECT_SECONDS, _READ_SECONDS)
        return self._client.call_api(*serialized, _request_timeout=timeout)


def _answer(response: Any) -> Answer:
    text = response.read().decode("utf-8", errors="replace")
    header = response.headers.get("Retry-After", "")
    seconds = float(header) if header.isdecimal() else None
    return Answer(int(response.status), text, seconds)


def _lines(response: Any) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream(amt=None):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _delay_seconds(attempt: int) -> float:
    """Twice as long each time, and never at the same moment as the other clients."""
    wait = min(_FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1), _LONGEST_WAIT_SECONDS)
    return wait * random.uniform(0.5, 1.5)
