"""Searches the OPUS catalogue: all corpora of a pair, and all languages paired with one.

    search_pair(folder, (("en",), ("sw", "swh")))[0]
    # FoundCorpus(corpus="CCMatrix", release="v1", file=MosesFile(url="https://...", ...))

Only Moses files count, because a run reads those. A corpus may have a pair under several codes
(`zh`, `zh_cn`, `cmn`); the first of them is found, as in a run.
"""

import re
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from xlm.corpus.parallel.opus_catalogue import Codes, MosesFile, moses_file, valid_catalogue

_COLUMNS = "corpus, version, source, target, url, size, alignment_pairs, latest"


@dataclass(frozen=True)
class FoundCorpus:
    """One release of a corpus that has the pair."""

    corpus: str
    release: str
    file: MosesFile
    is_newest: bool
    """Whether no later release of the corpus has the pair."""


@dataclass(frozen=True)
class Partner:
    """A language that OPUS pairs with the searched one."""

    code: str
    """Its most frequent code in OPUS."""
    corpora: int
    pairs: int
    """Lines of all corpora together, in their newest releases."""


def search_pair(folder: Path, codes: Codes) -> list[FoundCorpus]:
    """All releases of all corpora that have the pair, those with the most lines first.

    Args:
        folder: the cache with the unpacked catalogue.
        codes: for both languages, the codes that OPUS may use, the preferred first.
    """
    return _sorted(_rows_between(folder, [*codes[0], *codes[1]]), codes)


def search_pairs(
    folder: Path, languages: Mapping[str, Sequence[str]]
) -> dict[str, list[FoundCorpus]]:
    """What `search_pair` finds for each pair of several languages; the keys are as `en-sw`.

    Args:
        folder: the cache with the unpacked catalogue.
        languages: our code to the codes that OPUS may use.
    """
    rows = _rows_between(folder, [name for names in languages.values() for name in names])
    return {
        f"{first}-{second}": _sorted(rows, (languages[first], languages[second]))
        for first, second in combinations(sorted(languages), 2)
    }


def _rows_between(folder: Path, names: Sequence[str]) -> list[sqlite3.Row]:
    marks = ", ".join("?" * len(names))
    return _rows(folder, f"source IN ({marks}) AND target IN ({marks})", [*names, *names])


def _sorted(rows: Sequence[sqlite3.Row], codes: Codes) -> list[FoundCorpus]:
    found: dict[tuple[str, str], tuple[int, sqlite3.Row]] = {}
    for row in rows:
        rank = _rank(row, codes)
        name = (row["corpus"], row["version"])
        if rank is not None and (name not in found or rank < found[name][0]):
            found[name] = (rank, row)
    newest: dict[str, str] = {}
    for corpus, release in sorted(found, key=lambda name: _release_order(name[1])):
        newest[corpus] = release
    for (corpus, release), (_, row) in found.items():
        if row["latest"] == "True":
            newest[corpus] = release
    listed = [
        FoundCorpus(corpus, release, moses_file(dict(row)), newest[corpus] == release)
        for (corpus, release), (_, row) in found.items()
    ]
    listed.sort(key=lambda one: _release_order(one.release), reverse=True)
    return sorted(listed, key=lambda one: (-(one.file.pairs or 0), one.corpus))


def search_partners(folder: Path, names: Sequence[str]) -> list[Partner]:
    """All languages that OPUS pairs with one, those with the most lines first.

    Args:
        folder: the cache with the unpacked catalogue.
        names: the codes that OPUS may use for the language.
    """
    marks = ", ".join("?" * len(names))
    corpora: dict[str, set[str]] = defaultdict(set)
    pairs: dict[str, int] = defaultdict(int)
    for row in _rows(
        folder,
        f"latest = 'True' AND (source IN ({marks})) != (target IN ({marks}))",
        [*names, *names],
    ):
        other = row["target"] if row["source"] in names else row["source"]
        corpora[other].add(row["corpus"])
        pairs[other] += moses_file(dict(row)).pairs or 0
    found = [Partner(code, len(corpora[code]), pairs[code]) for code in corpora]
    return sorted(found, key=lambda one: (-one.pairs, one.code))


def opus_codes_in(folder: Path) -> set[str]:
    """All language codes that the catalogue uses."""
    with closing(sqlite3.connect(valid_catalogue(folder))) as connection:
        query = "SELECT {0} FROM opusfile WHERE preprocessing = 'moses' GROUP BY {0}"
        return {
            str(code)
            for column in ("source", "target")
            for (code,) in connection.execute(query.format(column))
        }


def _rows(folder: Path, condition: str, values: Sequence[str]) -> list[sqlite3.Row]:
    # Without an index, a query reads the whole table: 0.2 s.
    query = f"SELECT {_COLUMNS} FROM opusfile WHERE preprocessing = 'moses' AND ({condition})"
    with closing(sqlite3.connect(valid_catalogue(folder))) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(query, values).fetchall()


def _rank(row: sqlite3.Row, codes: Codes) -> int | None:
    """The place of a row among the codes of the pair, of which a run takes the lowest.

    None if the row is of another pair.
    """
    for first, second in ((row["source"], row["target"]), (row["target"], row["source"])):
        if first in codes[0] and second in codes[1]:
            return codes[0].index(first) * len(codes[1]) + codes[1].index(second)
    return None


def _release_order(release: str) -> tuple[int, ...]:
    """Sorts `v8` before `v10`, and `v2017q3` before `v2018q4`."""
    return tuple(int(number[:9]) for number in re.findall(r"\d+", release))
