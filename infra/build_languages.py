"""Add missing languages to xlm/config/languages/languages.tsv.

    .venv/bin/python -m pip install babel==2.18.0 pycountry==26.2.16 pywikibot==11.9.0
    .venv/bin/python infra/build_languages.py

Adds the languages that have an open Wikipedia (list of pywikibot), those of NTREX-128, and those
with at least 1,000 sentence pairs with English in a Moses file of OPUS (catalogue of opustools).
Names and scripts are those of CLDR (babel), else of ISO 639-3 (pycountry).

Lines that the table already has stay, because their values are in artifact keys. To correct one,
edit the table.
"""

import csv
import os
import sqlite3
import sys
import tempfile
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

import pycountry
from babel import Locale
from babel.core import get_global

from xlm.config.languages.table import direction_of
from xlm.corpus.parallel.opus_catalogue import unpack_catalogue

os.environ.setdefault("PYWIKIBOT_NO_USER_CONFIG", "2")
from pywikibot.families.wikipedia_family import Family

TARGET = Path(__file__).resolve().parent.parent / "xlm" / "config" / "languages" / "languages.tsv"
MIN_PAIRS = 1_000

OUR_CODES = {
    "als": "gsw", "bat-smg": "sgs", "be-tarask": "be_tarask", "bh": "bho", "cbk-zam": "cbk",
    "fiu-vro": "vro", "map-bms": "map_bms", "nds-nl": "nds_nl", "nrm": "nrf", "roa-rup": "rup",
    "roa-tara": "roa_tara", "zh-classical": "lzh", "zh-min-nan": "nan", "zh-yue": "yue",
}  # fmt: skip
"""Codes of Wikipedia that are not ISO codes, or that ISO gives to another language."""
DATABASES = {"be-tarask": "be_x_old"}
"""Names of databases that differ from the code of the Wikipedia."""
SKIPPED = {"simple", "jak"}
"""Simple English is English; the texts of OPUS in `jak` are not in Jakun, which has this code."""

NAMES = {
    "ber": "Berber", "nqo": "N'Ko", "kek": "Q'eqchi'", "quc": "K'iche'", "nup": "Nupe",
    "be_tarask": "Taraškievica Belarusian", "bxr": "Buryat", "diq": "Zazaki",
    "eml": "Emilian-Romagnol", "gsw": "Alemannic German", "isv": "Interslavic",
    "map_bms": "Banyumasan", "nah": "Nahuatl", "nds_nl": "Dutch Low Saxon", "nrf": "Norman",
    "pnb": "Western Punjabi", "roa_tara": "Tarantino", "rsk": "Pannonian Rusyn",
    "sgs": "Samogitian", "ff": "Fula", "mhr": "Meadow Mari",
}  # fmt: skip
SCRIPTS = {
    **dict.fromkeys(("bxr", "mhr"), "Cyrl"),
    **dict.fromkeys(("btm", "cdo", "crh", "hak", "hif", "kaa", "lad", "nan", "shi", "wal"), "Latn"),
    **{"arc": "Syrc", "gan": "Hant", "mni": "Mtei", "pi": "Deva", "prs": "Arab", "syl": "Sylo"},
}
"""Scripts of a Wikipedia, or of the texts in OPUS, that differ from CLDR's."""

OPUS_ALIASES = {
    "bxr": "bua", "ceb": "cx", "ckb": "cb", "crh": "crh_latn", "din": "dik", "diq": "zza",
    "dtp": "kzj", "ff": "fuv fuc", "gom": "kok", "hmn": "mww", "iu": "ike", "kv": "kpv",
    "mg": "plt", "nso": "ns", "qu": "quz", "szl": "sz", "tl": "fil", "tok": "toki",
}  # fmt: skip
"""Codes of OPUS for the same language, or for its main variety, that ISO does not derive."""

NTREX = """afr amh arb aze-Latn bak bel bem ben bod bos bul cat ces ckb-Arab cym dan deu div dzo ell
est eus ewe fao fas fij fil fin fra fuc gle glg guj hau heb hin hmn hrv hun hye ibo ind isl ita jpn
kan kat kaz khm kin kir kmr kor lao lav lit ltz mal mar mey mkd mlg mlt mon mri msa mya nde nep nld
nno nob nso nya orm pan pol por prs pus ron rus shi sin slk slv smo sna-Latn snd-Arab som spa sqi
srp-Cyrl ssw swa swe tah tam tat tel tgk-Cyrl tha tir ton tsn tuk tur uig ukr urd uzb ven vie wol
xho yor yue zho-CN zul"""
"""Of several files of a language, the one in its usual script and region."""
NTREX_LANGUAGES = {"arb": "ar", "fil": "tl", "fuc": "ff", "kmr": "ku", "nob": "no"}

TOKENIZERS = {"tet": "tdt"}
"""Languages that have another code in the lists of Moses prefixes."""


def main() -> None:
    """Read the table, add what is missing and write it, ordered by code."""
    with TARGET.open(encoding="utf-8", newline="") as file:
        rows = {row["code"]: row for row in csv.DictReader(file, dialect="excel-tab")}
    taken = {name for row in rows.values() for name in (row["code"], *row["opus"].split())}
    moses_files, pairs = _opus_codes()
    wikis = {OUR_CODES.get(code, code): _database(code) for code in Family.codes - SKIPPED}
    ntrex = {
        NTREX_LANGUAGES.get(code, _shortest(code.partition("-")[0])): code for code in NTREX.split()
    }
    wanted = {*wikis, *ntrex} - rows.keys()
    taken |= {alias for code in wanted for alias in _aliases(code)}
    large = {code for code, count in pairs.items() if count >= MIN_PAIRS and _is_known(code)}
    wanted |= {_shortest(code) for code in large - taken - SKIPPED} - taken
    for code in wanted:
        found = _aliases(code) & moses_files.keys()
        opus = sorted(found, key=lambda alias: (alias != code, -moses_files[alias], alias))
        script = _script(code)
        rows[code] = {
            "code": code,
            "iso": getattr(_iso(code), "alpha_3", ""),
            "name": _name(code),
            "script": script,
            "direction": direction_of(script),
            "wiki": wikis.get(code, ""),
            "opus": " ".join(opus),
            "ntrex": ntrex.get(code, ""),
            "tokenizer": TOKENIZERS.get(code, ""),
        }
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        fields = list(rows["en"])
        writer = csv.DictWriter(file, fields, dialect="excel-tab", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[code] for code in sorted(rows))
    sys.stdout.write(f"{len(wanted)} languages added, {len(rows)} in the table\n")


def _database(wiki: str) -> str:
    return DATABASES.get(wiki, wiki.replace("-", "_"))


def _opus_codes() -> tuple[Counter[str], dict[str, int]]:
    """Codes with their numbers of Moses files, and the most pairs with English in one file."""
    files: Counter[str] = Counter()
    pairs: dict[str, int] = defaultdict(int)
    query = "SELECT source, target, alignment_pairs FROM opusfile WHERE preprocessing='moses'"
    with tempfile.TemporaryDirectory() as folder:
        catalogue = unpack_catalogue(Path(folder))
        with closing(sqlite3.connect(catalogue)) as connection:
            for first, second, count in connection.execute(query):
                files.update((first, second))
                if "en" in (first, second) and isinstance(count, int):
                    other = second if first == "en" else first
                    pairs[other] = max(pairs[other], count)
    return files, pairs


def _aliases(code: str) -> set[str]:
    """The codes under which OPUS may have a language."""
    names = {code, *OPUS_ALIASES.get(code, "").split()}
    if entry := _iso(code):
        fields = ("alpha_2", "alpha_3", "bibliographic")
        names |= {getattr(entry, field) for field in fields if hasattr(entry, field)}
    return names | {_database(wiki) for wiki, ours in OUR_CODES.items() if ours == code}


def _is_known(code: str) -> bool:
    return _iso(code) is not None or code in NAMES


def _iso(code: str) -> Any:
    known = pycountry.languages
    return known.get(alpha_2=code) if len(code) == 2 else known.get(alpha_3=code)


def _shortest(code: str) -> str:
    return getattr(_iso(code), "alpha_2", code)


def _name(code: str) -> str:
    if code in NAMES:
        return NAMES[code]
    name: str = Locale("en").languages.get(code) or _iso(code).name
    return name.partition(" (")[0]


def _script(code: str) -> str:
    if code in SCRIPTS:
        return SCRIPTS[code]
    likely = get_global("likely_subtags").get(code.partition("_")[0], "")
    return next((part for part in likely.split("_")[1:] if len(part) == 4), "Latn")


if __name__ == "__main__":
    main()
