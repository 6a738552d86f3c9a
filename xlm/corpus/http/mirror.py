"""A mirror stands for the open network: `https://host/path` is read from `<mirror>/host/path`.

    with open_client(mirror="../shared/mirror", network=NetworkConfig()) as client:
        client.get("https://dumps.wikimedia.org/swwiki/20261101/dumpstatus.json")

The mirror is a transport of the HTTP client, so that ranges, validators, errors and folder listings
take the same code from a folder, from a mirror's URL and from the real hosts.
"""

import base64
import logging
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from xlm.config.data.sources import NetworkConfig
from xlm.config.reading.proxies import require_usable_proxies
from xlm.config.reading.secrets import credentials_for, secret_parameters_for
from xlm.corpus.http.ranges import parse_range
from xlm.errors import ConfigError
from xlm.redaction import redact
from xlm.store.integrity.presence import is_present, present_entries

log = logging.getLogger("httpx")
_CHUNK_BYTES = 1 << 18


class DownloadClient(httpx.Client):
    """An HTTP client that knows the URL of the mirror that stands for all hosts."""

    mirror: httpx.URL | None = None


def open_client(mirror: str | None, network: NetworkConfig) -> DownloadClient:
    """An HTTP client for the real hosts, or for a mirror (a folder or a URL)."""
    require_usable_proxies()
    transport = None if mirror is None else _transport(mirror)
    log.addFilter(_hide_secrets)
    client = DownloadClient(
        transport=transport,
        timeout=network.timeout_seconds,
        # Each request has its own connection: its watchdog must know the socket.
        limits=httpx.Limits(max_keepalive_connections=0),
        # Encoded transfers could be stored decoded or not: the files themselves are asked for.
        headers={
            "Accept-Encoding": "identity",
            "User-Agent": f"xlm-pipeline/{version('xlm-pipeline')}",
        },
    )
    if isinstance(transport, _MirrorServerTransport):
        client.mirror = transport.mirror
    elif transport is None:
        client.event_hooks = {"request": [_authorize]}
    return client


def is_folder(mirror: str) -> bool:
    """Whether a mirror is a folder of this machine, and not a URL."""
    return _folder(mirror) is not None


def mirror_path(mirror: str, url: str) -> Path | None:
    """The file that stands for a URL; None if the mirror is a URL itself."""
    folder = _folder(mirror)
    return None if folder is None else _inside(folder, url)


def changed_in_mirror(mirror: str, manifest: Mapping[str, Any]) -> str | None:
    """Why a download no longer holds: its file in the mirror has another size than it had."""
    recorded = manifest.get("counts", {}).get("host_bytes")
    for source in manifest.get("sources", ()):
        path = mirror_path(mirror, source["address"])
        if path is None or recorded is None or not is_present(path):
            continue
        present = path.stat().st_size
        if present != recorded:
            name = path.name
            return f"{name} in the mirror has {present:,} bytes, had {recorded:,}"
    return None


def _transport(mirror: str) -> httpx.BaseTransport:
    folder = _folder(mirror)
    if folder is None:
        if "?" in mirror or "#" in mirror:
            raise ConfigError(
                f"sources.mirror: {mirror} has parameters",
                fix="give the URL to which `/<host>/<path>` can be added",
            )
        try:
            return _MirrorServerTransport(httpx.URL(mirror.rstrip("/")))
        except httpx.InvalidURL as fault:
            raise ConfigError(
                f"sources.mirror: {mirror} is not a URL: {fault}", fix="write https://host/path"
            ) from fault
    if not folder.is_dir():
        raise ConfigError(
            f"sources.mirror: there is no folder {mirror}",
            fix="name the folder that holds dumps.wikimedia.org and the other hosts",
        )
    return _MirrorFolderTransport(folder)


def _folder(mirror: str) -> Path | None:
    scheme = mirror.partition("://")[0].lower() if "://" in mirror else ""
    if scheme in ("http", "https"):
        return None
    if scheme not in ("", "file"):
        raise ConfigError(
            f"sources.mirror: cannot read {scheme}:// URLs",
            fix="give a folder or an http(s) URL",
        )
    if not scheme:
        return Path(mirror)
    # file:///folder; a host between the second and the third slash means this machine.
    _, slash, path = mirror.partition("://")[2].partition("/")
    return Path(unquote(slash + path))


def _inside(folder: Path, url: str) -> Path | None:
    parts = urlsplit(url)
    path = (folder / parts.netloc / unquote(parts.path).lstrip("/")).resolve()
    return path if path.is_relative_to(folder.resolve()) else None


def _authorize(request: httpx.Request) -> None:
    """Add what the user gave for the host that is really asked; each redirect comes here anew."""
    url = str(request.url)
    if found := credentials_for(url):
        token = base64.b64encode(":".join(found).encode()).decode()
        request.headers["Authorization"] = f"Basic {token}"
    if secret := secret_parameters_for(url):
        query = "&".join(filter(None, (request.url.query.decode(), secret)))
        request.url = request.url.copy_with(query=query.encode())


def _hide_secrets(record: logging.LogRecord) -> bool:
    """HTTPX logs the URL of each request, parameters included."""
    record.msg, record.args = redact(record.getMessage()), ()
    return True


class _MirrorServerTransport(httpx.HTTPTransport):
    """Asks `<mirror>/host/path` for `https://host/path`."""

    def __init__(self, mirror: httpx.URL) -> None:
        super().__init__()
        self.mirror = mirror

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the mirror's host; its own redirects are followed as they are."""
        url = request.url
        if (url.host, url.port) != (self.mirror.host, self.mirror.port):
            path = self.mirror.raw_path.rstrip(b"/") + b"/" + url.netloc + url.raw_path
            url = self.mirror.copy_with(raw_path=path)
        headers = httpx.Headers(request.headers)
        headers["Host"] = url.netloc.decode()
        sent = httpx.Request(request.method, url, headers=headers, extensions=request.extensions)
        _authorize(sent)
        return super().handle_request(sent)


class _MirrorFolderTransport(httpx.BaseTransport):
    """Answers from files as a web server does: whole, one range, listing, or not found."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer with the file or folder that stands for the URL."""
        path = _inside(self._folder, str(request.url))
        if path is not None and path.is_dir():
            return httpx.Response(200, stream=httpx.ByteStream(_listing(path)))
        if path is None or not is_present(path):
            return httpx.Response(404)
        return _file_response(path, request.headers)


def _listing(folder: Path) -> bytes:
    found = present_entries(folder)
    names = sorted(f"{path.name}/" if path.is_dir() else path.name for path in found)
    return "".join(f'<a href="{name}">\n' for name in names).encode()


def _file_response(path: Path, headers: httpx.Headers) -> httpx.Response:
    status = path.stat()
    size, tag = status.st_size, f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
    wanted = headers.get("Range")
    if wanted is None or headers.get("If-Range", tag) != tag:
        start, stop, code = 0, size, 200
    else:
        start, stop, code = *parse_range(wanted, size), 206
        if start >= size:
            return httpx.Response(416, headers={"Content-Range": f"bytes */{size}"})
    answer = {"Content-Length": str(stop - start), "ETag": tag, "Accept-Ranges": "bytes"}
    if code == 206:
        answer["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return httpx.Response(code, headers=answer, stream=_FileStream(path, start, stop))


class _FileStream(httpx.SyncByteStream):
    def __init__(self, path: Path, start: int, stop: int) -> None:
        self._path, self._start, self._stop = path, start, stop

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(self._start)
            left = self._stop - self._start
            while left and (chunk := file.read(min(left, _CHUNK_BYTES))):
                left -= len(chunk)
                yield chunk
