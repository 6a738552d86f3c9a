"""URLs of single files: which are accepted, and how the file that arrives is called."""

from xlm.errors import ConfigError

CODE = "{code}"
"""Stands for a language's code in the URL of a plain corpus."""
_LONGEST_NAME_BYTES = 200
_LONGEST_LABEL = 63
_LAST_PORT = 65_535
_NO_TEXT = (
    ".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".zst", ".lz4",
    ".pdf", ".html", ".htm", ".docx", ".doc", ".xlsx", ".parquet", ".tmx", ".xml",
)  # fmt: skip
"""What the stage that reads texts would refuse after the download."""
_TAKEN_NAMES = ("", ".", "..", "manifest.json", "run.json", "logs")


def file_name(url: str) -> str:
    """The name under which a download leaves the file of a URL."""
    return url.rsplit("/", 1)[-1]


def require_file_url(url: str) -> str:
    """The URL, if a file can be fetched from it and kept under its own name.

    Raises:
        ValueError: it is not a URL of a file; a validator's error is told with its setting.
    """
    what = None
    scheme, _, rest = url.partition("://")
    host, slash, _ = rest.partition("/")
    name = file_name(url)
    if scheme not in ("http", "https") or not host or not slash:
        what = "is not a URL that begins with https:// or http:// and a host"
    elif not _is_host(host):
        what = "has no host and port that can be"
    elif not url.isprintable() or " " in url or "\\" in url:
        what = "holds white space, a control character or a backslash"
    elif name in _TAKEN_NAMES or len(name.encode(errors="replace")) > _LONGEST_NAME_BYTES:
        what = "does not end in the name of a file"
    if what is None:
        return url
    raise ValueError(f"{url[:200]!r} {what}; write e.g. https://host/folder/train.en")


def require_text_url(url: str, *, has_code: bool = False) -> str:
    """The URL of a plain corpus, if what its name promises can be read as text.

    Raises:
        ConfigError: the language's code is missing, or stands where it does not belong.
        ValueError: it is not a URL of a file, or of one in another format.
    """
    rest = require_file_url(url)
    rest = rest.replace(CODE, "") if has_code else rest
    if has_code and (rest == url or {"{", "}"} & set(rest)):
        raise ConfigError(
            f"sources.parallel: other {url!r} must hold {CODE}, and no other braces",
            fix=f"write it where the language's code belongs, e.g. https://host/train.{CODE}",
        )
    if {"{", "}"} & set(rest):
        raise ValueError(f"{url[:200]!r} holds braces; write the URL of one file")
    if file_name(url).lower().endswith(_NO_TEXT):
        raise ValueError(
            f"{url[:200]!r} is no text by its name; give a text, plain or packed with gzip, "
            "bzip2 or xz"
        )
    return url


def require_mirror(mirror: str) -> str:
    """The mirror, if it can be a folder or a URL to which `/<host>/<path>` is added.

    Raises:
        ValueError: it is not; pydantic adds the name of the setting.
    """
    scheme, colon, rest = mirror.partition("://")
    what = None
    if not mirror.strip():
        what = "is blank"
    elif colon and scheme.lower() not in ("http", "https", "file"):
        what = f"is a URL of {scheme}://, which cannot be read"
    elif colon and scheme.lower() != "file" and rest.partition("/")[0].strip() in ("", "."):
        what = "names no host"
    elif colon and ("?" in rest or "#" in rest):
        what = "has parameters"
    if what is None:
        return mirror
    raise ValueError(f"{mirror[:200]!r} {what}; give a folder or a URL as https://host/path")


def _is_host(host: str) -> bool:
    """Whether `user@host:port` is well formed."""
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
    return all(0 < len(label) <= _LONGEST_LABEL for label in labels)
