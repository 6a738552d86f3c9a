"""Looks up Moses files of OPUS in the catalogue that opustools ships: URL and size.

    find_moses(folder, "Tatoeba", "v2022-03-03", (("en",), ("sw", "swh")))
    # MosesFile(url="https://object.pouta.csc.fi/OPUS-Tatoeba/v2022-03-03/moses/en-swh.txt.zip",

The catalogue is unpacked once into our cache. opustools itself would unpack it into the home
directory, where a killed run leaves half a database.
"""

import gzip
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.errors import ConfigError

if TYPE_CHECKING:
    from opustools.db_operations import DbOperations

_KIBIBYTE = 1024
_unpacking = threading.Lock()

Codes = tuple[Sequence[str], Sequence[str]]
"""For both languages of a pair, the codes that OPUS may use for them."""


@dataclass(frozen=True)
class MosesFile:
    """A Moses zip of OPUS, as the catalogue describes it."""

    url: str
    codes: tuple[str, str]
    """The codes of the two sides in OPUS, in the order of the file name."""
    pairs: int | None
    """Number of lines; None if the catalogue does not list it."""
    size_bytes: int | None
    """Size of the zip, rounded down to a KiB; None if the catalogue does not list it."""


def unpack_catalogue(folder: Path) -> Path:
    """The catalogue as an SQLite file in `folder`; unpacks it on the first call."""
    target = folder / f"opus-{version('opustools')}.db"
    with _unpacking:
        if target.is_file():
            return target
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=target.name, suffix=".part")
        try:
            with gzip.open(_packed_catalogue()) as packed, os.fdopen(handle, "wb") as file:
                shutil.copyfileobj(packed, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
    return target


def find_moses(folder: Path, corpus: str, release: str, codes: Codes) -> MosesFile:
    """The Moses file of a pair, under the first codes that the corpus uses.

    Raises:
        ConfigError: OPUS has no such corpus, release or pair.
    """
    from opustools.db_operations import DbOperations

    database = DbOperations(db_file=str(valid_catalogue(folder)))
    for first, second in product(*codes):
        rows = database.get_corpora(
            {
                "corpus": corpus,
                "version": release,
                "preprocessing": "moses",
                "source": first,
                "target": second,
            }
        )
        if rows:
            return moses_file(rows[0])
    releases = _releases(database, corpus, codes)
    pair = "-".join(names[0] for names in codes)
    raise ConfigError(
        f"sources.parallel: OPUS has no {pair} in {corpus} {release}",
        fix=f"releases of {corpus} with it: {', '.join(releases)}"
        if releases
        else f"no release of {corpus} has this pair: choose other pairs, or another corpus",
    )


def valid_catalogue(folder: Path) -> Path:
    """The unpacked catalogue; unpacks it again if the one in the cache is damaged."""
    path = unpack_catalogue(folder)
    try:
        # Reads the header and the schema, not all 130 MB.
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            connection.execute("SELECT url FROM opusfile LIMIT 1").fetchone()
    except sqlite3.DatabaseError:
        path.unlink(missing_ok=True)
        return unpack_catalogue(folder)
    return path


def moses_file(row: dict[str, object]) -> MosesFile:
    """The file that a row of the catalogue describes; its sizes there are in KiB."""
    size_kib = _number(row["size"])
    return MosesFile(
        url=str(row["url"]),
        codes=(str(row["source"]), str(row["target"])),
        pairs=_number(row["alignment_pairs"]),
        size_bytes=None if size_kib is None else size_kib * _KIBIBYTE,
    )


def _releases(database: "DbOperations", corpus: str, codes: Codes) -> list[str]:
    found: set[str] = set()
    for first, second in product(*codes):
        wanted = {"corpus": corpus, "preprocessing": "moses", "source": first, "target": second}
        found |= {str(row["version"]) for row in database.get_corpora(wanted)}
    return sorted(found)


def _number(value: object) -> int | None:
    """A count of the catalogue; it leaves unknown counts empty ("")."""
    return value if isinstance(value, int) and value >= 0 else None


def _packed_catalogue() -> Path:
    spec = find_spec("opustools")
    if spec is None or spec.origin is None:
        raise ConfigError("opustools is not installed", fix="run `make setup`")
    return Path(spec.origin).with_name("opusdata.db.gz")
