"""The table of languages, with their codes in each source: `languages.tsv`.

`infra/build_languages.py` adds languages to it. A profile can declare further ones (`declared.py`).
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

RIGHT_TO_LEFT = frozenset({"Adlm", "Arab", "Hebr", "Mand", "Nkoo", "Rohg", "Syrc", "Thaa"})
"""Scripts that are written from right to left (ISO 15924)."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language and its codes in the sources."""

    code: str
    """Code in this project and in XNLI: ISO 639-1, else ISO 639-3, else that of its Wikipedia."""
    name: str
    """English name."""
    script: str
    """ISO 15924."""
    direction: str
    """`ltr` or `rtl`."""
    wiki: str
    """Code of its Wikipedia in the name of the database, `{wiki}wiki`; empty: none."""
    opus: tuple[str, ...]
    """Codes in OPUS, most common first; corpora differ (Tatoeba uses cmn and swh)."""
    ntrex: str
    """Code in the file names of NTREX-128, with a script or region if there are several; empty:
    none."""
    tokenizer: str = ""
    """Language whose Moses rules tokenize it; empty: its own."""
    iso: str = ""
    """ISO 639-3; empty: none, as for dialects."""

    @property
    def moses(self) -> str:
        """The language whose Moses rules tokenize it."""
        return self.tokenizer or self.code


@cache
def read_table() -> dict[str, Language]:
    """Code to language, ordered by code."""
    path = files("xlm.config.languages") / "languages.tsv"
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines(), dialect="excel-tab")
    return {
        row["code"]: Language(**{**row, "opus": tuple(row["opus"].split())})  # type: ignore[arg-type]
        for row in rows
    }


def direction_of(script: str) -> str:
    """`rtl` for a script that is written from right to left, else `ltr`."""
    return "rtl" if script in RIGHT_TO_LEFT else "ltr"
