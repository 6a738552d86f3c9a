"""Looks at the user's files: whether they can be read, their format, how much text they have.

own_text("yo=data/yo-*.jsonl.gz", table)
# OwnEntry(codes=("yo",), settings={"kind": "jsonl", "language": "yo", ...}, text_bytes=8123)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from xlm.authoring.columns import pair_columns, read_sample, text_column
from xlm.config.data.own.files import is_url
from xlm.config.data.tasks import COMPRESSIONS
from xlm.config.languages.table import Language
from xlm.corpus.local_files import find_files
from xlm.corpus.text_files.compressed import open_plain
from xlm.errors import ConfigError, DataError

_KINDS = {
    ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".parquet": "parquet", ".zip": "moses_zip",
}  # fmt: skip
_REFUSED = (".csv", ".pdf", ".docx", ".doc", ".odt", ".xlsx", ".html", ".htm", ".xml", ".tmx")
_EXPANSION = {".gz": 3.0, ".bz2": 4.0, ".xz": 4.0, ".zst": 3.0, ".parquet": 2.5, ".zip": 2.8}
"""How much text a byte of a compressed file contains, roughly."""
_UNKNOWN_TEXT_BYTES = 20_000_000
"""Assumed for a URL, which is not looked at."""


@dataclass(frozen=True)
class OwnEntry:
    """One source of the user: the languages, the settings of its entry, how much text it has."""

    codes: tuple[str, ...]
    settings: dict[str, Any]
    text_bytes: int
    is_guess: bool
    """Whether its columns were chosen from its contents."""


def code_and_path(option: str, given: str) -> tuple[str, str]:
    """Split `yo=data/yo.txt`.

    Raises:
        ConfigError: the language or the path is missing.
    """
    code, equals, path = (part.strip() for part in given.partition("="))
    if not (code and equals and path):
        example = "en-yo=data/en-yo.tsv" if option == "--pairs" else "yo=data/yo.txt"
        raise ConfigError(
            f"{option} {given[:80]!r} has no language or no path", fix=f"write {option} {example}"
        )
    return code, path


def own_text(language: Language, location: str) -> OwnEntry:
    """The entry of monolingual text.

    Raises:
        ConfigError: there is no such file, or it has another format.
        DataError: the file is damaged or empty.
    """
    setting = f"--text {language.code}={location}"
    kind = _kind_of(location, setting)
    if kind == "moses_zip":
        raise ConfigError(f"{setting}: a zip cannot be read as text", fix="unpack it")
    settings: dict[str, Any] = {"kind": kind, "language": language.code, "path": location}
    if is_url(location):
        return OwnEntry((language.code,), settings, _UNKNOWN_TEXT_BYTES, is_guess=False)
    files = _readable(location, setting, kind)
    if kind == "text":
        return OwnEntry((language.code,), settings, _text_bytes(files), is_guess=False)
    settings |= text_column(read_sample(kind, files[0]), language)
    return OwnEntry((language.code,), settings, _text_bytes(files), is_guess=True)


def own_pair(languages: tuple[Language, Language], locations: Sequence[str]) -> OwnEntry:
    """The entry of parallel text: one file with both languages, or one for each.

    Args:
        languages: the languages in the order in which the user named them.
        locations: one path, or one for each language in this order.

    Raises:
        ConfigError: there is no such file, or it has another format.
        DataError: the file is damaged or empty, or lacks two columns.
    """
    named = "-".join(one.code for one in languages)
    codes = tuple(sorted(one.code for one in languages))
    setting = f"--pairs {named}={','.join(locations)}"
    kinds = [_kind_of(one, setting) for one in locations]
    settings: dict[str, Any] = {"kind": kinds[0], "pair": "-".join(codes)}
    if len(locations) > 2:
        raise ConfigError(
            f"{setting}: {len(locations)} files",
            fix="name one file, or one for each language; repeat --pairs for further ones",
        )
    if len(locations) == 2:
        if set(kinds) != {"text"}:
            raise ConfigError(f"{setting}: two files must be plain text", fix="name one file")
        paths = {one.code: path for one, path in zip(languages, locations, strict=True)}
        settings["paths"] = {code: paths[code] for code in codes}
    elif kinds[0] == "text":
        raise ConfigError(
            f"{setting}: a text file has one language",
            fix=f"name two, --pairs {named}=FILE,FILE, or a .tsv, .jsonl, .parquet or .zip file",
        )
    else:
        settings["path"] = locations[0]
    local = [one for one in locations if not is_url(one)]
    files = [
        path
        for one, kind in zip(locations, kinds, strict=True)
        if one in local
        for path in _readable(one, setting, kind)
    ]
    text_bytes = _text_bytes(files) + (len(locations) - len(local)) * _UNKNOWN_TEXT_BYTES
    is_guess = bool(local) and kinds[0] in ("tsv", "jsonl", "parquet")
    if is_guess:
        settings |= pair_columns(read_sample(kinds[0], files[0]), languages)
    return OwnEntry(codes, settings, text_bytes, is_guess)


def _kind_of(location: str, setting: str) -> str:
    """The format of a file by its name, or of the files that a pattern matches.

    Raises:
        ConfigError: it is not supported, there is no file, or the files have different formats.
    """
    names = [location] if is_url(location) else [str(one) for one in find_files(location, setting)]
    kinds = {_kind(name, setting) for name in names}
    if len(kinds) > 1:
        raise ConfigError(
            f"{setting}: its files have different formats: {', '.join(sorted(kinds))}",
            fix="write a pattern for each format",
        )
    return kinds.pop()


def _kind(name: str, setting: str) -> str:
    suffix = _suffixes(name)[0]
    if suffix in _REFUSED:
        fix = "write its columns to a .tsv file" if suffix == ".csv" else "convert it to plain text"
        raise ConfigError(f"{setting}: the format {suffix} is not supported", fix=fix)
    return _KINDS.get(suffix, "text")


def _suffixes(location: str) -> tuple[str, str]:
    """The suffix of the format and that of the compression, `.tsv` and `.gz`."""
    name = PurePosixPath(location.partition("?")[0] if is_url(location) else location)
    last = name.suffix.lower()
    return (name.with_suffix("").suffix.lower(), last) if last in COMPRESSIONS else (last, "")


def _readable(location: str, setting: str, kind: str) -> tuple[Path, ...]:
    files = find_files(location, setting)
    for path in files:
        try:
            if path.stat().st_size == 0:
                raise ConfigError(f"{setting}: {path} is empty", fix="check the file")
            if kind in ("parquet", "moses_zip"):
                path.open("rb").close()
                continue
            with open_plain(path) as file:
                start = file.read(1 << 16)
        except OSError as error:
            raise ConfigError(
                f"{setting}: {path} cannot be read ({error.strerror or error})",
                fix="check the file and its permissions",
            ) from None
        if not start.strip():
            raise DataError(f"{setting}: {path} has no text", fix="check the file")
    return files


def _text_bytes(files: Sequence[Path]) -> int:
    def plain(path: Path) -> float:
        suffix, compression = _suffixes(str(path))
        return path.stat().st_size * _EXPANSION.get(compression or suffix, 1.0)

    return round(sum(map(plain, files)))
