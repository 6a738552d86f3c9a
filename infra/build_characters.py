"""Write xlm/text/characters/unicode14.tsv, the character tables of the text path.

    python3.11 infra/build_characters.py

Needs a Python and a Perl (`perl` on PATH, 5.36) that both know Unicode 14.0.0, the version of the
original tools' output; others are refused. Categories, decompositions, combining classes and lower
case come from Python's unicodedata, derived properties from Perl's \\p{}. Reruns change nothing.
"""

import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TARGET = REPOSITORY / "xlm" / "text" / "characters" / "unicode14.tsv"
VERSION = "14.0.0"

CATEGORIES = {"Nd": ("Nd",), "N": ("Nd", "Nl", "No"), "Ll": ("Ll",), "Mn": ("Mn",)} | {
    "C": ("Cc", "Cf", "Cs", "Co", "Cn")
}
DERIVED = ("Alphabetic", "Lowercase", "Cased", "Case_Ignorable")

_PERL_VERSION = "use Unicode::UCD; print Unicode::UCD::UnicodeVersion();"
_PERL_MEMBERS = "no warnings; for (0 .. 0x10FFFF) { print qq($_ ) if chr($_) =~ /\\p{PROPERTY}/ }"

# Syllables decompose by arithmetic, as in xlm/text/characters/tables.py.
_HANGUL = range(0xAC00, 0xD7A4)


def main() -> None:
    """Collect the tables and write each on a line."""
    if unicodedata.unidata_version != VERSION:
        sys.exit(f"this Python knows Unicode {unicodedata.unidata_version}: use one with {VERSION}")
    if (found := _perl(_PERL_VERSION)) != VERSION:
        sys.exit(f"this Perl knows Unicode {found}: use one with {VERSION} (5.36)")
    tables = {name: _ranges(_of_categories(names)) for name, names in CATEGORIES.items()}
    for name in DERIVED:
        members = _perl(_PERL_MEMBERS.replace("PROPERTY", name)).split()
        tables[name] = _ranges(map(int, members))
    tables["combining_class"] = _values(lambda c: unicodedata.combining(c) or None)
    tables["lower"] = _values(lambda c: None if c.lower() == c else _points(c.lower()))
    tables["decomposition"] = _values(_decomposition)
    lines = [f"{name}\t{content}\n" for name, content in tables.items()]
    TARGET.write_text(f"# Unicode {VERSION}, by {Path(__file__).name}\n{''.join(lines)}")


def _perl(program: str) -> str:
    done = subprocess.run(["perl", "-e", program], check=True, capture_output=True, text=True)
    return done.stdout


def _of_categories(names: tuple[str, ...]) -> Iterable[int]:
    return (c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) in names)


def _decomposition(character: str) -> str | None:
    """The full decomposition, not a single step of it."""
    full = unicodedata.normalize("NFD", character)
    return None if full == character or ord(character) in _HANGUL else _points(full)


def _points(text: str) -> str:
    return ".".join(f"{ord(character):X}" for character in text)


def _ranges(code_points: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for code_point in code_points:
        if runs and runs[-1][1] == code_point - 1:
            runs[-1][1] = code_point
        else:
            runs.append([code_point, code_point])
    return " ".join(f"{a:X}" if a == b else f"{a:X}-{b:X}" for a, b in runs)


def _values(value_of: Callable[[str], object]) -> str:
    found = ((c, value_of(chr(c))) for c in range(sys.maxunicode + 1))
    return " ".join(f"{c:X}={value}" for c, value in found if value is not None)


if __name__ == "__main__":
    main()
