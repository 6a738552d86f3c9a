"""A mirror replaces the network: `https://host/path` is read from `<mirror>/host/path`.

The mirror is a transport of the HTTP client. Ranges, validators, errors and folder listings
therefore run through the same code for a folder, for a mirror's URL and for the real servers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from xlm.config.reading.proxies import proxy_for
from xlm.corpus.http.authorization import authorize
from xlm.corpus.http.ranges import parse_range
from xlm.errors import ConfigError
from xlm.store.integrity.presence import is_present, present_entries

_CHUNK_BYTES = 1 << 18


def is_folder(mirror: str) -> bool:
    """Whether a mirror is a local folder rather than a URL."""
    return folder_of(mirror) is not None


def folder_of(mirror: str) -> Path | None:
    """The folder of a mirror; None if it is a URL.

    Raises:
        ConfigError: it is a URL of an unsupported scheme.
    """
    scheme = mirror.partition("://")[0].lower() if "://" in mirror else ""
    if scheme in ("http", "https"):
        return None
    if scheme not in ("", "file"):
        raise ConfigError(
            f"sources.mirror: cannot read {scheme}:// URLs",
            fix="use a folder or an http(s) URL",
        )
    if not scheme:
        return Path(mirror)
    # file:///folder; a host between the second and the third slash means this machine.
    _, slash, path = mirror.partition("://")[2].partition("/")
    return Path(unquote(slash + path))


def mirror_path(mirror: str, url: str) -> Path | None:
    """The file that replaces `url`; None if the mirror is itself a URL."""
    folder = folder_of(mirror)
    return None if folder is None else _inside(folder, url)


def mirror_transport(mirror: str) -> httpx.BaseTransport:
    """The transport that reads from a mirror.

    Raises:
        ConfigError: the mirror is neither an existing folder nor a usable URL.
    """
    folder = folder_of(mirror)
    if folder is None:
        if "?" in mirror or "#" in mirror:
            raise ConfigError(
                f"sources.mirror: {mirror} has parameters",
                fix="use the URL to which `/<host>/<path>` can be appended",
            )
        try:
            return MirrorServerTransport(httpx.URL(mirror.rstrip("/")))
        except httpx.InvalidURL as fault:
            raise ConfigError(
                f"sources.mirror: {mirror} is not a URL: {fault}", fix="write https://host/path"
            ) from fault
    if not folder.is_dir():
        raise ConfigError(
            f"sources.mirror: there is no folder {mirror}",
            fix="name the folder that contains dumps.wikimedia.org and the other hosts",
        )
    return MirrorFolderTransport(folder)


def _inside(folder: Path, url: str) -> Path | None:
    parts = urlsplit(url)
    path = (folder / parts.netloc / unquote(parts.path).lstrip("/")).resolve()
    return path if path.is_relative_to(folder.resolve()) else None


class MirrorServerTransport(httpx.HTTPTransport):
    """Requests `<mirror>/host/path` instead of `https://host/path`."""

    def __init__(self, mirror: httpx.URL) -> None:
        super().__init__(proxy=proxy_for(str(mirror)))
        self.mirror = mirror

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the mirror; URLs of the mirror itself stay unchanged (redirects)."""
        url = request.url
        if (url.host, url.port) != (self.mirror.host, self.mirror.port):
            path = self.mirror.raw_path.rstrip(b"/") + b"/" + url.netloc + url.raw_path
            url = self.mirror.copy_with(raw_path=path)
        headers = httpx.Headers(request.headers)
        headers["Host"] = url.netloc.decode()
        sent = httpx.Request(request.method, url, headers=headers, extensions=request.extensions)
        authorize(sent)
        return super().handle_request(sent)


class MirrorFolderTransport(httpx.BaseTransport):
    """Answers from files as a web server does: complete, one range, a listing, or 404."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer with the file or folder that replaces the URL."""
        path = _inside(self._folder, str(request.url))
        with _as_transport_error():
            if path is not None and path.is_dir():
                return httpx.Response(200, stream=httpx.ByteStream(_listing(path)))
            if path is None or not is_present(path):
                return httpx.Response(404)
            return _file_response(path, request.headers)


@contextmanager
def _as_transport_error() -> Iterator[None]:
    """Let a disk that cannot be read fail as a connection does: another mirror may serve it."""
    try:
        yield
    except OSError as fault:
        raise httpx.ReadError(str(fault)) from fault


def _listing(folder: Path) -> bytes:
    found = present_entries(folder)
    names = sorted(f"{path.name}/" if path.is_dir() else path.name for path in found)
    return "".join(f'<a href="{name}">\n' for name in names).encode()


def _file_response(path: Path, headers: httpx.Headers) -> httpx.Response:
    status = path.stat()
    size, etag = status.st_size, f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
    requested = headers.get("Range")
    if requested is None or headers.get("If-Range", etag) != etag:
        start, stop, code = 0, size, 200
    else:
        start, stop, code = *parse_range(requested, size), 206
        if start >= size:
            return httpx.Response(416, headers={"Content-Range": f"bytes */{size}"})
    answer = {"Content-Length": str(stop - start), "ETag": etag, "Accept-Ranges": "bytes"}
    if code == 206:
        answer["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return httpx.Response(code, headers=answer, stream=_FileStream(path, start, stop))


class _FileStream(httpx.SyncByteStream):
    def __init__(self, path: Path, start: int, stop: int) -> None:
        self._path, self._start, self._stop = path, start, stop

    def __iter__(self) -> Iterator[bytes]:
        with _as_transport_error(), self._path.open("rb") as file:
            file.seek(self._start)
            left = self._stop - self._start
            while left and (chunk := file.read(min(left, _CHUNK_BYTES))):
                left -= len(chunk)
                yield chunk
