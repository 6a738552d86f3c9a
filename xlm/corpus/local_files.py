"""The user's local files: found by path or pattern, identified by their contents.

    find_files("data/yo/*.txt", "sources.text: news of yo")      # absolute paths, sorted
    digest_of(path)                                              # sha256, cached
    require_unchanged(path, digest)                              # before and after reading

Files are read where they are. Their digests are part of keys, their paths are not.
"""

import glob
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from xlm.config.data.own.files import SourceFile, is_url
from xlm.config.data.own.parts import PartFile
from xlm.config.reading.urls import file_name
from xlm.corpus.sources.downloaded_files import named_file
from xlm.errors import ConfigError, DataError
from xlm.store.disk.hashing import cached_file_sha256

_PATTERN = frozenset("*?[")


def find_files(location: str, setting: str) -> tuple[Path, ...]:
    """Find the files of a path or pattern, sorted by name.

    `*` and `?` match within a name, `**` matches folders. A relative path is relative to the
    working directory. A pattern matches no folders, empty files, or names that begin with a dot.

    Args:
        setting: the setting with the location, for errors.

    Raises:
        ConfigError: there is no file, or the path is a folder.
    """
    path = os.path.abspath(os.path.expanduser(location))  # noqa: PTH100, PTH111 - keeps patterns
    if os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises for a name that is too long
        return (Path(path),)
    if os.path.isdir(path):  # noqa: PTH112
        raise ConfigError(
            f"{setting}: {location} is a folder", fix=f"write {_pattern_for(Path(path), location)}"
        )
    if not _PATTERN & set(location):
        what = "is not a regular file" if os.path.exists(path) else "does not exist"  # noqa: PTH110
        if os.path.islink(path) and not os.path.exists(path):  # noqa: PTH110, PTH114
            what = "is a broken link"
        raise ConfigError(f"{setting}: {location} {what}", fix=_where(location))
    found = [Path(one) for one in glob.glob(path, recursive=True)]  # noqa: PTH207
    files = sorted(one for one in found if one.is_file())
    if not files:
        raise ConfigError(f"{setting}: {location} matches no file", fix=_where(location))
    with_content = tuple(one for one in files if one.stat().st_size > 0)
    if not with_content:
        raise ConfigError(f"{setting}: {location} matches only empty files", fix="check the files")
    return with_content


def digest_of(path: Path, setting: str) -> str:
    """The sha256 of a file's contents; read again only if the file has changed.

    Raises:
        ConfigError: the file cannot be read, or is empty.
    """
    try:
        if path.stat().st_size == 0:
            raise ConfigError(f"{setting}: {path} is empty", fix="check the file, or remove it")
        return cached_file_sha256(path)
    except OSError as error:
        raise ConfigError(
            f"{setting}: {path} cannot be read ({error.strerror or error})", fix="check the file"
        ) from None


def part_files(files: Sequence[SourceFile], setting: str) -> tuple[PartFile, ...]:
    """The files of a source, patterns expanded, each with its identity.

    Raises:
        ConfigError: a local file does not exist, cannot be read, or is empty.
    """
    found: list[PartFile] = []
    for location, download in files:
        if is_url(location):
            found.append(PartFile(download=download, path=file_name(location)))
            continue
        for path in find_files(location, setting):
            found.append(PartFile(sha256=digest_of(path, setting), path=str(path)))
    return tuple(found)


def located(files: Sequence[PartFile], inputs: Mapping[str, Path]) -> Iterator[Path]:
    """The path of each file, checked before it is read and after it.

    Args:
        inputs: download id to the folder of the download.

    Raises:
        DataError: a local file has changed since its digest was computed.
    """
    for file in files:
        if file.download:
            yield named_file(inputs[file.download], file.path)
            continue
        path = Path(file.path)
        require_unchanged(path, file.sha256)
        yield path
        require_unchanged(path, file.sha256)


def require_unchanged(path: Path, sha256: str) -> None:
    """Check that a local file still has the contents that its key was computed from.

    Raises:
        DataError: it has changed, or is gone.
    """
    try:
        if cached_file_sha256(path) == sha256:
            return
        what = "has changed since this run began"
    except OSError as error:
        what = f"can no longer be read ({error.strerror or error})"
    raise DataError(f"{path} {what}", fix="run the same command again when nobody writes to it")


def _where(location: str) -> str:
    if location.startswith(("/", "~")):
        return "check the path"
    folder = os.getcwd()  # noqa: PTH109 - the rest works with strings
    return f"check the path; it is relative to the working directory, {folder}"


def _pattern_for(folder: Path, location: str) -> str:
    """A pattern for the most common kind of file in a folder."""
    suffixes = Counter("".join(one.suffixes[-2:]) for one in folder.iterdir() if one.is_file())
    suffix = suffixes.most_common(1)[0][0] if suffixes else ".txt"
    return f"a pattern for its files, e.g. {location.rstrip('/')}/*{suffix}"
