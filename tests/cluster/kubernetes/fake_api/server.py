"""The HTTP side of the fake API server."""

import json
import re
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from tests.cluster.kubernetes.fake_api.cluster_scope import answer_cluster_scope
from tests.cluster.kubernetes.fake_api.faults import Drop, Fault, Faults, Refuse, Text
from tests.cluster.kubernetes.fake_api.objects import AlreadyExistsError, Document, Objects
from tests.cluster.kubernetes.fake_api.permissions import Ask, allows, verb_of
from tests.cluster.kubernetes.fake_api.schemas import errors_of

NAMESPACE, TOKEN = "xlm", "token-of-the-test"
JOBSET_GROUP = "jobset.x-k8s.io"
_RESOURCES = {
    "/api/v1": ["pods", "services", "events", "persistentvolumeclaims"],
    "/apis/batch/v1": ["jobs", "cronjobs"],
    f"/apis/{JOBSET_GROUP}/v1alpha2": ["jobsets"],
}
_PATH = re.compile(
    r"(?P<root>/api/v1|/apis/(?P<group>[^/]+)/[^/]+)/namespaces/(?P<namespace>[^/]+)"
    r"/(?P<plural>[^/]+)(/(?P<name>[^/]+))?(/(?P<sub>log))?"
)
_CHECKED = ("Job", "JobSet", "Service")


class FakeApi:
    """A running server; leaving the context ends it."""

    def __init__(
        self,
        *,
        rules: Sequence[Document] | None = None,
        has_jobsets: bool = True,
        port: int = 0,
    ) -> None:
        """`rules` of a Role: every other request is forbidden; None: all are allowed."""
        self.objects = Objects()
        self.faults = Faults()
        self.rules, self.has_jobsets = rules, has_jobsets
        self.token = TOKEN
        self.namespaces = {NAMESPACE}
        self.unknown_fields: set[str] = set()
        """Fields that this version of JobSet does not know."""
        self.asked: set[Ask] = set()
        self.requests: list[tuple[str, str]] = []
        """Method and path of all requests."""
        self.read_completely: set[str] = set()
        """Resources of which more than the metadata was sent."""
        self.logs: dict[str, bytes] = {}
        """Output of pods, by name."""
        self.break_logs_after = 0
        """The connection of each pod's log breaks once, after this number of lines."""
        self.broken_logs: set[str] = set()
        self.admit: Callable[[Document], str | None] = lambda body: None
        """Why an object is not admitted, such as a quota."""
        self.watch_seconds = 5.0
        self.expired = 0
        """Number of watches that were answered with 410."""
        self._kill: tuple[int, Callable[[], None], bool] = (0, lambda: None, False)
        self.watches = 0
        """Changes when all watches are closed."""
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.api = self

    def __enter__(self) -> "FakeApi":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watch_seconds = 0
        with self.objects.changed:
            self.objects.changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def kill_at(self, request: int, kill: Callable[[], None], *, carried_out: bool) -> None:
        """Call `kill` at a request, by its number since the start, before it is answered.

        Args:
            carried_out: whether the request is carried out; its answer is lost in any case.
        """
        self._kill = (request, kill, carried_out)

    def kills_at(self, *, after: bool) -> bool:
        """Kill the client if this is the request; whether it was."""
        request, kill, carried_out = self._kill
        if len(self.requests) != request or carried_out != after:
            return False
        kill()
        return True

    def expire_watches(self) -> None:
        """Close all watches, and forget what they would need to go on."""
        with self.objects.changed:
            self.watches += 1
            self.objects.forget_history()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return int(self._server.server_address[1])

    def kubeconfig(self, path: Path, **context: object) -> Path:
        """Write a kubeconfig with the contexts `fake` and `other`, of which `fake` is current."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "clusters": [
                {"name": "fake", "cluster": {"server": f"http://127.0.0.1:{self.port}"}},
                {"name": "gone", "cluster": {"server": "http://127.0.0.1:9"}},
            ],
            "users": [{"name": "me", "user": {"token": TOKEN}}],
            "contexts": [
                {"name": "fake", "context": {"cluster": "fake", "user": "me", **context}},
                {"name": "other", "context": {"cluster": "gone", "user": "me"}},
            ],
        }
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path


class _Server(ThreadingHTTPServer):
    api: FakeApi
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away in the middle of a watch."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def do_PATCH(self) -> None:
        self._handle("PATCH")

    def do_DELETE(self) -> None:
        self._handle("DELETE")

    def _handle(self, method: str) -> None:
        api = self.server.api
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        found = _PATH.fullmatch(url.path)
        plural = found["plural"] if found else "discovery"
        api.requests.append((method, self.path))
        if api.kills_at(after=False):
            return self._drop()
        fault = api.faults.take(method, plural)
        if isinstance(fault, Drop) and not fault.after:
            return self._drop()
        if fault is not None and not isinstance(fault, Drop):
            return self._refuse(fault)
        self._quiet = fault is not None
        if self.headers.get("Authorization") != f"Bearer {api.token}":
            return self._status(401, "Unauthorized", "Unauthorized")
        if found is None:
            answer = answer_cluster_scope(api.rules, api.objects, api.namespaces, url.path, body)
            return self._json(*answer) if answer else self._discover(url.path)
        if plural == "jobsets" and not api.has_jobsets:
            return self._missing("the server could not find the requested resource")
        if not self._is_allowed(method, found, query):
            return None
        return self._serve(method, found, query, body)

    _quiet = False

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _refuse(self, fault: Fault) -> None:
        if isinstance(fault, Text):
            self._send(200, fault.body.encode(), {"Content-Type": "text/html"})
        elif isinstance(fault, Refuse):
            self._status(fault.status, fault.reason, fault.message, dict(fault.headers))

    def _discover(self, path: str) -> None:
        api = self.server.api
        if path not in _RESOURCES or (JOBSET_GROUP in path and not api.has_jobsets):
            return self._missing("the server could not find the requested resource")
        resources = [{"name": name} for name in _RESOURCES[path]]
        return self._json(200, {"kind": "APIResourceList", "resources": resources})

    def _is_allowed(self, method: str, found: re.Match[str], query: dict[str, str]) -> bool:
        api = self.server.api
        resource = "/".join(filter(None, (found["plural"], found["sub"])))
        verb = verb_of(method, has_name=bool(found["name"]), is_watch="watch" in query)
        ask = Ask(verb, found["group"] or "", resource)
        api.asked.add(ask)
        if api.rules is None or allows(api.rules, ask):
            return True
        self._status(
            403,
            "Forbidden",
            f'{resource}.{ask.group} is forbidden: User "me" cannot {verb} resource "{resource}" '
            f'in API group "{ask.group}" in the namespace "{found["namespace"]}"',
        )
        return False

    def _serve(
        self, method: str, found: re.Match[str], query: dict[str, str], body: Document
    ) -> None:
        plural, namespace, name = found["plural"], found["namespace"], found["name"]
        objects = self.server.api.objects
        if method == "POST":
            return self._create(plural, namespace, query, body)
        if found["sub"] == "log":
            return self._log(name, query)
        if not name:
            accepts = _selection(query)
            if query.get("watch") == "true":
                return self._watch(plural, namespace, int(query["resourceVersion"]), accepts)
            items, version = objects.list(plural, namespace, accepts)
            metadata = {"resourceVersion": str(version)}
            return self._json(200, {"kind": "List", "metadata": metadata, "items": items})
        if objects.get(plural, namespace, name) is None:
            return self._missing(f'{plural} "{name}" not found')
        if method == "DELETE":
            propagation = query.get("propagationPolicy", "Background")
            grace = int(query["gracePeriodSeconds"]) if "gracePeriodSeconds" in query else None
            objects.delete(plural, namespace, name, propagation, grace_seconds=grace)
            return self._json(200, {"kind": "Status", "status": "Success"})
        if method == "PATCH":
            assert self.headers["Content-Type"] == "application/merge-patch+json"
            with objects.edit(plural, namespace, name) as stored:
                stored["metadata"] |= body["metadata"]
        one = objects.get(plural, namespace, name) or {}
        if "as=PartialObjectMetadata" in self.headers.get("Accept", ""):
            one = {"kind": "PartialObjectMetadata", "metadata": one["metadata"]}
        else:
            self.server.api.read_completely.add(plural)
        return self._json(200, one)

    def _create(self, plural: str, namespace: str, query: dict[str, str], body: Document) -> None:
        api = self.server.api
        if namespace not in api.namespaces:
            return self._missing(f'namespaces "{namespace}" not found')
        unknown = sorted(name for name in api.unknown_fields if f'"{name}"' in json.dumps(body))
        if unknown and query.get("fieldValidation") == "Strict":
            fields = ", ".join(f'unknown field "spec.{name}"' for name in unknown)
            return self._status(400, "BadRequest", f"strict decoding error: {fields}")
        if body["kind"] in _CHECKED and (errors := errors_of(body)):
            return self._status(422, "Invalid", f"{body['kind']} is invalid: {errors}")
        if (reason := api.admit(body)) is not None:
            return self._status(403, "Forbidden", reason)
        if query.get("dryRun") == "All":
            return self._json(201, body)
        try:
            stored = api.objects.create(plural, namespace, body)
        except AlreadyExistsError:
            name = body["metadata"]["name"]
            return self._status(409, "AlreadyExists", f'{plural} "{name}" already exists')
        return self._json(201, stored)

    def _watch(
        self, plural: str, namespace: str, version: int, accepts: Callable[[Document], bool]
    ) -> None:
        api = self.server.api
        self._begin_stream()
        position, watches = 0, api.watches
        with api.objects.changed:
            if version < api.objects.oldest:
                api.expired += 1
                gone = {"code": 410, "reason": "Expired", "message": "too old resource version"}
                return self._end_stream({"type": "ERROR", "object": gone})
        while True:
            with api.objects.changed:
                if watches != api.watches:
                    break
                events = list(api.objects.log)
                if len(events) < position:
                    position = 0
                new = [one for one in events[position:] if one[0] > version and one[2] == plural]
                position = len(events)
                if not new and not api.objects.changed.wait(api.watch_seconds):
                    break
            for _, kind, _, one in new:
                if accepts(one) and one["metadata"]["namespace"] == namespace:
                    self._chunk(json.dumps({"type": kind, "object": one}).encode() + b"\n")
        return self._end_stream(None)

    def _log(self, name: str, query: dict[str, str]) -> None:
        """Line N has the time N seconds after eight; older lines than `sinceTime` are left out."""
        api = self.server.api
        pod = api.objects.get("pods", NAMESPACE, name)
        if pod is None:
            return self._missing(f'pods "{name}" not found')
        if pod["status"]["phase"] == "Pending":
            return self._status(400, "BadRequest", "container is waiting to start")
        self._begin_stream()
        sent = 0
        while True:
            with api.objects.changed:
                pod = api.objects.get("pods", NAMESPACE, name)
                ended = pod is None or pod["status"].get("phase") in ("Succeeded", "Failed")
                lines = api.logs.get(name, b"").splitlines(keepends=True)
                if len(lines) == sent and not ended:
                    api.objects.changed.wait(0.05)
            for number in range(sent, len(lines)):
                time = f"2026-11-29T08:00:{number:02d}"
                if f"{time}Z" >= query.get("sinceTime", ""):
                    self._chunk(f"{time}.123456789Z ".encode() + lines[number])
                if number + 1 == api.break_logs_after and name not in api.broken_logs:
                    api.broken_logs.add(name)
                    return self._drop()
            if len(lines) == sent and ended:
                return self._end_stream(None)
            sent = len(lines)

    def _begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _end_stream(self, last: Document | None) -> None:
        if last is not None:
            self._chunk(json.dumps(last).encode() + b"\n")
        self._chunk(b"")

    def _missing(self, message: str) -> None:
        self._status(404, "NotFound", message)

    def _status(
        self, code: int, reason: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        status = {"kind": "Status", "code": code, "reason": reason, "message": message}
        self._json(code, status, headers)

    def _json(self, code: int, document: Document, headers: dict[str, str] | None = None) -> None:
        everything = {"Content-Type": "application/json", **(headers or {})}
        self._send(code, json.dumps(document).encode(), everything)

    def _send(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        if self._quiet or self.server.api.kills_at(after=True):
            return self._drop()
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None


def _selection(query: dict[str, str]) -> Callable[[Document], bool]:
    wanted = dict(pair.split("=") for pair in query.get("labelSelector", "").split(",") if pair)
    fields = dict(pair.split("=") for pair in query.get("fieldSelector", "").split(",") if pair)

    def accepts(one: Document) -> bool:
        labels = one["metadata"].get("labels") or {}
        return all(labels.get(name) == value for name, value in wanted.items()) and all(
            _field(one, name) == value for name, value in fields.items()
        )

    return accepts


def _field(one: Document, path: str) -> Any:
    value: Any = one
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
