"""A mirror with one enlarged Wikipedia and one enlarged parallel corpus, and their profile.

    write_enlarged_mirror(Path("../mirror"), Path("in"), megabytes=80, pairs=400_000)

The source is a mirror with the English Wikipedia and the English-Turkish sentences of Tatoeba.
Sentences are repeated like the articles of `enlarged_dump.py`: some words of each copy are others,
so that the number of different words grows with the text.
"""

import hashlib
import json
import random
import zipfile
from pathlib import Path

from enlarged_dump import with_other_words, write_enlarged

DATE = "20261101"
_WIKI = f"dumps.wikimedia.org/enwiki/{DATE}"
_DUMP = f"enwiki-{DATE}-pages-articles-multistream.xml.bz2"
_PAIRS = "object.pouta.csc.fi/OPUS-Tatoeba/v2022-03-03/moses/en-tr.txt.zip"
_CHANGED = 0.3
_NUMBERS = 9973

_PROFILE = """\
languages: [en, tr]
sources:
  wikipedia: {{date: "{date}", languages: [en]}}
  parallel:
    - {{kind: opus, corpus: Tatoeba, version: v2022-03-03, licence: CC-BY-2.0-FR}}
split: {{valid_fraction: 0.002, test_fraction: 0.002, lines_per_shard: {lines_per_shard}}}
bpe: {{codes: 30000}}
vocabulary: {{size: 40000}}
classify: null
"""


def profile_text(lines_per_shard: int) -> str:
    """The profile of the enlarged corpus."""
    return _PROFILE.format(date=DATE, lines_per_shard=lines_per_shard)


def write_enlarged_mirror(mirror: Path, target: Path, *, megabytes: float, pairs: int) -> None:
    """Write a mirror with a dump of so many MB of XML, and so many sentence pairs."""
    folder = target / _WIKI
    folder.mkdir(parents=True)
    dump = folder / _DUMP
    write_enlarged([mirror / _WIKI / _DUMP], megabytes, dump)
    sums = {name: _digest(dump, name) for name in ("md5", "sha1")}
    for name, digest in sums.items():
        (folder / f"enwiki-{DATE}-{name}sums.txt").write_text(f"{digest}  {_DUMP}\n")
    file = {"size": dump.stat().st_size, "url": f"/enwiki/{DATE}/{_DUMP}", **sums}
    job = {"status": "done", "files": {_DUMP: file}}
    status = {"version": "0.8", "jobs": {"articlesmultistreamdump": job}}
    (folder / "dumpstatus.json").write_text(json.dumps(status))
    (target / _PAIRS).parent.mkdir(parents=True)
    _write_pairs(mirror / _PAIRS, target / _PAIRS, pairs)


def _write_pairs(source: Path, target: Path, pairs: int) -> None:
    chance = random.Random(11)
    with (
        zipfile.ZipFile(source) as archive,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy,
    ):
        for name in archive.namelist():
            if not name.endswith((".en", ".tr")):
                continue
            lines = archive.read(name).decode().split("\n")[:-1]
            with copy.open(name, "w", force_zip64=True) as member:
                for number in range(pairs):
                    line = with_other_words(lines[number % len(lines)], chance, _CHANGED)
                    member.write(f"{line} {number % _NUMBERS}\n".encode())


def _digest(path: Path, name: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, name).hexdigest()
