"""Validates configured URLs: of single files, of text files, of mirrors."""

from xlm.errors import ConfigError

CODE = "{code}"
"""Placeholder for the language code in the URL of a plain corpus."""
_MAX_NAME_BYTES = 200
_MAX_LABEL = 63
_LAST_PORT = 65_535
_NO_TEXT = (
    ".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".lz4",
    ".pdf", ".html", ".htm", ".docx", ".doc", ".xlsx", ".parquet", ".tmx", ".xml",
)  # fmt: skip
"""Formats that the extraction of parallel text would refuse after the download."""
_TAKEN_NAMES = ("", ".", "..", "manifest.json", "run.json", "logs")


def file_name(url: str) -> str:
    """Name of the file that a download of the URL writes."""
    return url.rsplit("/", 1)[-1]


def require_file_url(url: str) -> str:
    """Return the URL if it names a file that can be downloaded under its own name.

    Raises:
        ValueError: it does not; pydantic adds the name of the setting.
    """
    what = None
    scheme, _, rest = url.partition("://")
    host, slash, _ = rest.partition("/")
    name = file_name(url)
    if scheme not in ("http", "https") or not host or not slash:
        what = "is not a URL that begins with https:// or http:// and a host"
    elif not _is_host(host):
        what = "has an invalid host or port"
    elif not url.isprintable() or " " in url or "\\" in url:
        what = "contains white space, a control character or a backslash"
    elif name in _TAKEN_NAMES or len(name.encode(errors="replace")) > _MAX_NAME_BYTES:
        what = "does not end with the name of a file"
    if what is None:
        return url
    raise ValueError(f"{url[:200]!r} {what}; write e.g. https://host/folder/train.en")


def require_text_url(url: str, *, has_code: bool = False) -> str:
    """Return the URL of a plain corpus if its extension is not that of another format.

    Raises:
        ConfigError: with `has_code`, the URL lacks the placeholder or has other braces.
        ValueError: it is not the URL of a file, or the file has another format.
    """
    rest = require_file_url(url)
    rest = rest.replace(CODE, "") if has_code else rest
    if has_code and (rest == url or {"{", "}"} & set(rest)):
        raise ConfigError(
            f"sources.parallel: other {url!r} must contain {CODE} and no other braces",
            fix=f"put it where the language code belongs, e.g. https://host/train.{CODE}",
        )
    if {"{", "}"} & set(rest):
        raise ValueError(f"{url[:200]!r} contains braces; write the URL of one file")
    if file_name(url).lower().endswith(_NO_TEXT):
        raise ValueError(
            f"{url[:200]!r} does not name a text file; use plain text, or text compressed "
            "with gzip, bzip2, xz or zstd"
        )
    return url


def require_mirror(mirror: str) -> str:
    """Return the mirror if it is a folder or a URL that can be extended by `/<host>/<path>`.

    Raises:
        ValueError: it is not; pydantic adds the name of the setting.
    """
    scheme, colon, rest = mirror.partition("://")
    what = None
    if not mirror.strip():
        what = "is blank"
    elif colon and scheme.lower() not in ("http", "https", "file"):
        what = f"has the unsupported scheme {scheme}://"
    elif colon and scheme.lower() != "file" and rest.partition("/")[0].strip() in ("", "."):
        what = "has no host"
    elif colon and ("?" in rest or "#" in rest):
        what = "has parameters"
    if what is None:
        return mirror
    raise ValueError(f"{mirror[:200]!r} {what}; write a folder or a URL, e.g. https://host/path")


def _is_host(host: str) -> bool:
    """Whether `user@host:port` is valid."""
    name = host.rpartition("@")[2]
    if name.startswith("["):
        name, _, port = name.partition("]")
        port = port.removeprefix(":")
        labels = ["v6"]
    else:
        name, _, port = name.partition(":")
        labels = name.removesuffix(".").replace(CODE, "xx").split(".")
    if port and not (port.isascii() and port.isdecimal() and int(port[:6]) <= _LAST_PORT):
        return False
    return all(0 < len(label) <= _MAX_LABEL for label in labels)
