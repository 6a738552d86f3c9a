"""A server with the part of the Hugging Face Hub's HTTP interface that publishing uses.

Repositories, branches, commits, and large files by the LFS protocol, in memory. Every request needs
the token. `refuse` makes chosen requests fail.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_canaryTokenThatMustNeverBeShown01"
_LARGE_BYTES = 20_000
"""Smaller than on the Hub, so that the weights of a tiny model count as large."""

Tree = dict[str, bytes]


@dataclass
class Repository:
    """A repository: its commits, and the commit of each branch."""

    private: bool
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Tree] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    parents: dict[str, str | None] = field(default_factory=dict)

    def add(self, branch: str, tree: Tree, message: str) -> str:
        """Add a commit."""
        oid = hashlib.sha1(f"{len(self.commits)} {message}".encode()).hexdigest()
        self.commits[oid] = tree
        self.parents[oid] = self.branches.get(branch)
        self.branches[branch] = oid
        self.messages.append(message)
        return oid

    def history(self, branch: str) -> list[str]:
        """The commits of a branch, last first."""
        commits, commit = [], self.branches.get(branch)
        while commit is not None:
            commits.append(commit)
            commit = self.parents[commit]
        return commits

    def files(self, branch: str = "main") -> Tree:
        """The files of a branch."""
        return self.commits[self.branches[branch]]


class FakeHub:
    """The state of the server."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.uploads: list[str] = []
        self.refuse: dict[str, tuple[int, str]] = {}
        """Status and message by a pattern of `METHOD path`."""
        self.address = ""

    def refusal(self, request: str) -> tuple[int, str] | None:
        """The failure that was chosen for a request."""
        return next((v for pattern, v in self.refuse.items() if re.search(pattern, request)), None)

    def create(self, name: str, *, private: bool = False, **files: bytes) -> Repository:
        """Add a repository with the files, and those of every new repository."""
        found = self.repositories[name] = Repository(private)
        found.add("main", {".gitattributes": b"*.safetensors filter=lfs\n", **files}, "initial")
        return found


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Run the server on the loopback interface."""
    hub = FakeHub()

    class Handler(_Handler):
        state = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    state: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self._body()
        path = self.path.partition("?")[0]
        request = f"{self.command} {path}"
        self.state.requests.append(request)
        if (refused := self.state.refusal(request)) is not None:
            self._answer(refused[0], {"error": refused[1]})
            return
        if path == "/api/agent-harnesses":  # the library asks once, to describe itself
            self._answer(200, {})
            return
        if path.startswith("/lfs/"):  # a signed URL, as of an object store: without the token
            self.state.large[path.removeprefix("/lfs/")] = body
            self.state.uploads.append(path.removeprefix("/lfs/"))
            self._answer(200, {})
            return
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"error": "Invalid username or password."}, "RepoNotFound")
            return
        self._route(path, body)

    def _route(self, path: str, body: bytes) -> None:
        if path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            self._answer(200, {"warnings": [{"message": "a remark on the card"}]})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._info(found[1], found[2] or "main")
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/(.+)", path):
            self._modes(json.loads(body))
        elif found := re.fullmatch(r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            self._batch(json.loads(body))
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/branch/(.+)", path):
            repository = self.state.repositories[found[1]]
            start = json.loads(body).get("startingPoint", "main")
            repository.branches[found[2]] = repository.branches.get(start, start)
            self._answer(200, {})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commits/(.+)", path):
            self._history(found[1], found[2])
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/(.+)", path):
            self._commit(found[1], found[2], [json.loads(line) for line in body.splitlines()])
        else:
            self._answer(404, {"error": "unknown"})

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        self.state.create(name, private=asked.get("visibility") == "private")
        self._answer(200, {"url": f"{self.state.address}/{name}"})

    def _info(self, name: str, revision: str) -> None:
        repository = self.state.repositories.get(name)
        if repository is None:
            self._answer(404, {"error": "Repository not found"}, "RepoNotFound")
            return
        commit = repository.branches.get(revision, revision)
        if commit not in repository.commits:
            self._answer(404, {"error": "Invalid rev id"}, "RevisionNotFound")
            return
        siblings = [_sibling(path, data) for path, data in repository.commits[commit].items()]
        self._answer(
            200,
            {"id": name, "sha": commit, "private": repository.private, "siblings": siblings},
        )

    def _history(self, name: str, branch: str) -> None:
        commits = self.state.repositories[name].history(branch)
        described = {"title": "", "message": "", "authors": [], "date": "2026-11-28T17:49:00.000Z"}
        self._answer(200, [{"id": commit, **described} for commit in commits])

    def _modes(self, asked: dict[str, Any]) -> None:
        files = [
            {
                "path": one["path"],
                "uploadMode": "lfs" if one["size"] >= _LARGE_BYTES else "regular",
                "shouldIgnore": False,
            }
            for one in asked["files"]
        ]
        self._answer(200, {"files": files})

    def _batch(self, asked: dict[str, Any]) -> None:
        objects = []
        for one in asked["objects"]:
            known = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.state.large:
                href = f"{self.state.address}/lfs/{one['oid']}"
                known["actions"] = {"upload": {"href": href}}
            objects.append(known)
        self._answer(200, {"transfer": "basic", "objects": objects})

    def _commit(self, name: str, branch: str, lines: list[dict[str, Any]]) -> None:
        repository = self.state.repositories[name]
        header, *operations = (line["value"] for line in lines)
        parent = header.get("parentCommit")
        if parent is not None and parent != repository.branches[branch]:
            self._answer(
                412, {"error": "A commit has happened since. Please refresh and try again."}
            )
            return
        tree = dict(repository.files(branch))
        for one in operations:
            is_large = "oid" in one
            tree[one["path"]] = (
                self.state.large[one["oid"]] if is_large else base64.b64decode(one["content"])
            )
        oid = repository.add(branch, tree, header["summary"])
        url = f"{self.state.address}/{name}/commit/{oid}"
        self._answer(200, {"commitUrl": url, "commitOid": oid})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _answer(self, status: int, content: object, error_code: str = "") -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if error_code:
            self.send_header("X-Error-Code", error_code)
        self.end_headers()
        self.wfile.write(data)


def _sibling(path: str, data: bytes) -> dict[str, Any]:
    if len(data) >= _LARGE_BYTES:
        lfs = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 134}
        return {"rfilename": path, "size": len(data), "blobId": "0" * 40, "lfs": lfs}
    oid = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    return {"rfilename": path, "size": len(data), "blobId": oid}
