"""The committed tables of Unicode 14."""

import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from xlm.text.chain import cased_tokenizer_for
from xlm.text.characters import tables as characters
from xlm.text.characters.accents import lower_without_accents
from xlm.text.moses.punctuation import remove_non_printing

same_unicode = pytest.mark.skipif(
    unicodedata.unidata_version != "14.0.0",
    reason=f"this Python knows Unicode {unicodedata.unidata_version}, the tables 14.0.0",
)


@pytest.mark.slow
@same_unicode
def test_categories_equal_those_of_python() -> None:
    flags_of_point = characters.character_flags()
    for point in range(characters.CODE_POINTS):
        category = unicodedata.category(chr(point))
        flags = flags_of_point[point]
        assert bool(flags & characters.OTHER) == category.startswith("C"), hex(point)
        assert bool(flags & characters.NUMBER) == category.startswith("N"), hex(point)
        assert bool(flags & characters.LOWERCASE_LETTER) == (category == "Ll"), hex(point)
        assert bool(flags & characters.LOWER) == chr(point).islower(), hex(point)
        assert (point in characters.marks()) == (category == "Mn"), hex(point)
        letter = category[0] == "L" or category == "Nl"
        assert flags & characters.ALPHABETIC or not letter, hex(point)
        decimal = flags & characters.ALNUM and not flags & characters.ALPHABETIC
        assert bool(decimal) == (category == "Nd"), hex(point)


@same_unicode
def test_final_sigma_depends_on_the_same_characters_as_in_python() -> None:
    """Case_Ignorable characters are skipped, Cased characters decide."""
    for point in range(characters.CODE_POINTS):
        if 0xD800 <= point < 0xE000:
            continue
        flags, character = characters.character_flags()[point], chr(point)
        if flags & (characters.CASED | characters.CASE_IGNORABLE) or point < 0x3000:
            skipped_by_python = (
                f"aΣ{character}a".lower()[1] == "σ" and f"aΣ{character}".lower()[1] == "ς"
            )
            assert skipped_by_python == bool(flags & characters.CASE_IGNORABLE), hex(point)
            cased = f"{character}Σ".lower().endswith("ς")
            skipped = bool(flags & characters.CASE_IGNORABLE)
            assert cased == (bool(flags & characters.CASED) and not skipped), hex(point)


@same_unicode
def test_hangul_syllables_decompose_as_in_nfd() -> None:
    for point in range(0xAC00, 0xD7A4):
        assert characters.hangul_decomposition(point) == unicodedata.normalize("NFD", chr(point))
    assert (
        characters.hangul_decomposition(0xABFF) is characters.hangul_decomposition(0xD7A4) is None
    )


@pytest.mark.slow
@same_unicode
@pytest.mark.skipif(shutil.which("perl") is None, reason="no perl")
def test_rebuilding_the_tables_changes_nothing(tmp_path: Path) -> None:
    version = subprocess.run(
        ["perl", "-MUnicode::UCD", "-e", "print Unicode::UCD::UnicodeVersion()"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if version != "14.0.0":
        pytest.skip(f"this Perl knows Unicode {version}")
    for folder in ("infra", "xlm/text/characters"):
        (tmp_path / folder).mkdir(parents=True)
    program = tmp_path / "infra" / "build_characters.py"
    program.write_bytes((REPOSITORY / "infra" / "build_characters.py").read_bytes())
    subprocess.run([sys.executable, str(program)], check=True)
    table = Path("xlm") / "text" / "characters" / "unicode14.tsv"
    assert (tmp_path / table).read_bytes() == (REPOSITORY / table).read_bytes()


@pytest.mark.parametrize("character", ["\u0cf3", "\U0001e4d0", "\ua7cb", "\u1c89", "\U0001df25"])
def test_characters_of_later_unicode_versions_are_unassigned(character: str) -> None:
    """Letters and marks of Unicode 15 and 16, even if the running Python has them."""
    assert remove_non_printing(f"a{character}b") == "a b"
    assert cased_tokenizer_for("en", {})(f"a{character}b") == "a b"
    assert lower_without_accents(f"É{character}") == f"e{character}"


def test_the_chain_uses_no_character_table_of_the_running_python() -> None:
    """Only stable properties may be read: ASCII and white space. Segmenters are pinned."""
    forbidden = (
        "unicodedata",
        ".isalpha(",
        ".isalnum(",
        ".islower(",
        ".isdigit(",
        ".casefold(",
        r"\w",
    )
    text = REPOSITORY / "xlm" / "text"
    modules = [
        text / "chain.py",
        *(text / "characters").glob("*.py"),
        *(text / "moses").glob("*.py"),
    ]
    assert len(modules) > 9
    for module in modules:
        source = module.read_text(encoding="utf-8")
        assert [word for word in forbidden if word in source] == [], module
