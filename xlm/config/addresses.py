"""Addresses of single files: which are accepted, and how the file that arrives is called."""

CODE = "{code}"
"""Stands for a language's code in the address of a plain corpus."""
_LONGEST_NAME_BYTES = 200
_TAKEN_NAMES = ("", ".", "..", "manifest.json", "run.json", "logs")


def file_name(address: str) -> str:
    """The name under which a download leaves the file of an address."""
    return address.rsplit("/", 1)[-1]


def require_file_address(address: str) -> str:
    """The address, if a file can be fetched from it and kept under its own name.

    Raises:
        ValueError: it is no address of a file; a validator's error is told with its setting.
    """
    what = None
    scheme, _, rest = address.partition("://")
    host, slash, _ = rest.partition("/")
    name = file_name(address)
    if scheme not in ("http", "https") or not host or not slash:
        what = "is not an address that begins with https:// or http:// and a host"
    elif not address.isprintable() or " " in address or "\\" in address:
        what = "holds white space, a control character or a backslash"
    elif name in _TAKEN_NAMES or len(name.encode(errors="replace")) > _LONGEST_NAME_BYTES:
        what = "does not end in the name of a file"
    if what is None:
        return address
    raise ValueError(f"{address[:200]!r} {what}; write e.g. https://host/folder/train.en")


def require_mirror(mirror: str) -> str:
    """The mirror, if it can be a folder or an address to which `/<host>/<path>` is added.

    Raises:
        ValueError: it is neither; a validator's error is told with its setting.
    """
    scheme, colon, rest = mirror.partition("://")
    what = None
    if not mirror.strip():
        what = "is blank"
    elif colon and scheme.lower() not in ("http", "https", "file"):
        what = f"is an address of {scheme}://, which cannot be read"
    elif colon and scheme.lower() != "file" and rest.partition("/")[0].strip() in ("", "."):
        what = "names no host"
    elif colon and ("?" in rest or "#" in rest):
        what = "has parameters"
    if what is None:
        return mirror
    raise ValueError(f"{mirror[:200]!r} {what}; give a folder or an address as https://host/path")
