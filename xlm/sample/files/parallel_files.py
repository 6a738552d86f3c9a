"""Writes one language's parallel sentences as a Moses zip, under OPUS' URL of Tatoeba.

    write_tatoeba(mirror, "zh", [("Hello.", "你好。")])

makes `object.pouta.csc.fi/OPUS-Tatoeba/v2022-03-03/moses/cmn-en.txt.zip` with the members
`Tatoeba.cmn-en.cmn` and `Tatoeba.cmn-en.en`: one sentence a line, line i aligned with line i.
"""

from collections.abc import Iterable
from pathlib import Path

from xlm.errors import DataError
from xlm.sample.files.archives import write_zip

HOST = "object.pouta.csc.fi"
RELEASE = "OPUS-Tatoeba/v2022-03-03"
# OPUS names Mandarin and Swahili of Tatoeba by ISO 639-3.
_TATOEBA_CODES = {"zh": "cmn", "sw": "swh"}
_NOTE = "Synthetic sentences of the xlm sample world, Apache-2.0; not from Tatoeba.\n"


def write_tatoeba(mirror: Path, language: str, pairs: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Write (English, other) `pairs` as the zip of the pair, and return its counts.

    Raises:
        DataError: a sentence holds a line break, which would shift the pairs.
    """
    other = _TATOEBA_CODES.get(language, language)
    first, second = sorted(("en", other))
    pair = f"{first}-{second}"
    lines: dict[str, list[str]] = {"en": [], other: []}
    for english, translation in pairs:
        if "\n" in english or "\n" in translation:
            raise DataError(
                f"parallel sentence {len(lines['en'])} of {pair} holds a line break",
                fix="write one sentence a line",
            )
        lines["en"].append(f"{english}\n")
        lines[other].append(f"{translation}\n")
    members = {f"Tatoeba.{pair}.{code}": "".join(lines[code]) for code in (first, second)}
    members |= {"README": _NOTE, "LICENSE": _NOTE}
    path = mirror / HOST / RELEASE / "moses" / f"{pair}.txt.zip"
    return {"pairs": len(lines["en"]), "bytes": write_zip(path, members)}
