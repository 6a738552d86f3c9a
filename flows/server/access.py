"""URL and token of the server that `xlm ui` runs, and the files where other commands find them.

`xlm ui` writes two files that only their owner can read: one in the store's root, for `xlm run`,
and `prefect.toml` in the project's folder, where Prefect's own commands look for settings. Each
start makes a new token, and the end removes both files, so an old file gives no access.
"""

import os
import secrets
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.server.guard import SIGN_IN_PATH
from xlm.errors import StoreError, ToolError
from xlm.loopback import LOOPBACK_NAMES
from xlm.store.disk.filesystem import read_small, write_atomically
from xlm.store.disk.locks import build_lock

_HEAD = "# Written by `xlm ui`, removed when it ends. The token is a password: do not share it.\n"
_OWNER_ONLY = 0o600
_TOKEN_BYTES = 32


class _HeldError(Exception):
    """Another process holds the lock."""


@dataclass(frozen=True)
class ServerAccess:
    """How to reach a Prefect server that we started."""

    port: int
    token: str

    @classmethod
    def new(cls, port: int) -> "ServerAccess":
        """Access with a new token."""
        return cls(port, f"xlm:{secrets.token_urlsafe(_TOKEN_BYTES)}")

    @property
    def url(self) -> str:
        """URL of the UI."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """URL of the API."""
        return f"{self.url}/api"

    @property
    def sign_in_url(self) -> str:
        """URL that opens the UI and signs the browser in."""
        return f"{self.url}{SIGN_IN_PATH}#{self.token}"

    def client_variables(self) -> dict[str, str]:
        """Variables for programs that use the server."""
        return {"PREFECT_API_URL": self.api_url, "PREFECT_API_AUTH_STRING": self.token}

    def server_variables(self) -> dict[str, str]:
        """Variables for the server."""
        names = sorted(LOOPBACK_NAMES - {"::1"})
        origins = ",".join(f"http://{name}:{self.port}" for name in names)
        return {
            "PREFECT_SERVER_API_HOST": "127.0.0.1",
            "PREFECT_SERVER_API_PORT": str(self.port),
            "PREFECT_SERVER_API_AUTH_STRING": self.token,
            # On a busy machine another writer can lock SQLite for more than Prefect's 10 seconds.
            "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
            "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": origins,
            "PREFECT_UI_API_URL": self.api_url,
        }


@contextmanager
def published(access: ServerAccess, root: Path, project: Path) -> Iterator[None]:
    """Let other commands find the server inside the context.

    Raises:
        StoreError: another `xlm ui` runs on this root.
        ToolError: the project's folder has a `prefect.toml` that `xlm ui` did not write.
    """
    try:
        with build_lock(_directory(root), "ui", on_wait=_refuse):
            paths = [_record(root), project / "prefect.toml"]
            _require_ours(paths[-1])
            try:
                for path in paths:
                    write_atomically(path, _text(access).encode(), mode=_OWNER_ONLY)
                yield
            finally:
                for path in paths:
                    if _is_ours(path) and access.token in path.read_text():
                        path.unlink()
    except _HeldError as error:
        raise StoreError(
            f"another `xlm ui` runs on {root}", fix="use it, or another --root"
        ) from error


def find_access(root: Path) -> ServerAccess | None:
    """Access to the `xlm ui` that runs on this root, if there is one."""
    record = _record(root)
    try:
        if not record.is_file():
            return None
        with build_lock(_directory(root), "ui", on_wait=_refuse):
            return None  # a killed `xlm ui` left the record
    except _HeldError:
        pass
    except (PermissionError, StoreError):
        return None  # the folder belongs to another user
    try:
        api = tomllib.loads(record.read_text())["api"]
        return ServerAccess(int(api["url"].rsplit(":", 1)[1].split("/")[0]), api["auth_string"])
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _refuse() -> None:
    raise _HeldError


def _directory(root: Path) -> Path:
    return root / "prefect"


def _record(root: Path) -> Path:
    return _directory(root) / "access.toml"


def _text(access: ServerAccess) -> str:
    return f'{_HEAD}[api]\nurl = "{access.api_url}"\nauth_string = "{access.token}"\n'


def _is_ours(path: Path) -> bool:
    try:
        return read_small(path).decode().startswith(_HEAD)
    except (OSError, ValueError):
        return False


def _require_ours(path: Path) -> None:
    if os.path.lexists(path) and not _is_ours(path):
        raise ToolError(
            f"{path} was not written by `xlm ui`, which stores the server's URL there",
            fix="move its settings to pyproject.toml or to the environment",
        )
