"""Writes the parallel sentences of one language as a Moses zip, at the URL of Tatoeba in OPUS.

    write_tatoeba(mirror, "zh", [("Hello.", "你好。")])

writes `object.pouta.csc.fi/OPUS-Tatoeba/v2022-03-03/moses/cmn-en.txt.zip` with the members
`Tatoeba.cmn-en.cmn` and `Tatoeba.cmn-en.en`: one sentence per line, aligned line by line.
"""

from collections.abc import Iterable
from pathlib import Path

from xlm.errors import DataError
from xlm.sample.files.archives import write_zip

HOST = "object.pouta.csc.fi"
RELEASE = "OPUS-Tatoeba/v2022-03-03"
# OPUS uses ISO 639-3 for Mandarin and Swahili in Tatoeba.
_TATOEBA_CODES = {"zh": "cmn", "sw": "swh"}
_NOTICE = "Synthetic sentences of the xlm sample world, Apache-2.0; not from Tatoeba.\n"


def write_tatoeba(mirror: Path, language: str, pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Write pairs of an English and another sentence as a zip, and return its counts.

    Raises:
        DataError: a sentence contains a line break, which would break the alignment.
    """
    other = _TATOEBA_CODES.get(language, language)
    first, second = sorted(("en", other))
    pair = f"{first}-{second}"
    lines: dict[str, list[str]] = {"en": [], other: []}
    for english, translation in pairs:
        if "\n" in english or "\n" in translation:
            raise DataError(
                f"parallel sentence {len(lines['en'])} of {pair} contains a line break",
                fix="remove it",
            )
        lines["en"].append(f"{english}\n")
        lines[other].append(f"{translation}\n")
    members = {f"Tatoeba.{pair}.{code}": "".join(lines[code]) for code in (first, second)}
    members |= {"README": _NOTICE, "LICENSE": _NOTICE}
    path = mirror / HOST / RELEASE / "moses" / f"{pair}.txt.zip"
    return {"pairs": len(lines["en"]), "bytes": write_zip(path, members)}
