"""Which encoding a text that is not plain UTF-8 probably has, from its first bytes.

    wide_encoding(b"L\\x00'\\x00\\xe9\\x00")    # "UTF-16-LE"
    likely_encoding(b"L'\\xe9l\\xe8ve", "fr")   # "WINDOWS-1252"

UTF-16 and UTF-32 are recognised with certainty: by their byte order mark, or by NULs and line ends;
in a text of a few characters, each character must be one that texts contain.
One-byte encodings are a guess: the one that gives the most letters of the language.
"""

import codecs
import unicodedata

from xlm.config.languages.pairs import KNOWN_LANGUAGES

SAMPLE_BYTES = 1 << 16

# UTF-32-LE begins with the mark of UTF-16-LE, so the longer marks come first.
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32-LE"),
    (codecs.BOM_UTF32_BE, "UTF-32-BE"),
    (codecs.BOM_UTF16_LE, "UTF-16-LE"),
    (codecs.BOM_UTF16_BE, "UTF-16-BE"),
)
_WIDE = ("UTF-32-LE", "UTF-32-BE", "UTF-16-LE", "UTF-16-BE")
_FEWEST_CHARACTERS = 8
_CLEAN_SHARE = 0.01
_DIRTY_SHARE = 0.05
_CONTROL_SHARE = 0.3
"""Of a few characters: below it, they are UTF-8 with a NUL. UTF-16 has a control character in most,
in Cyrillic every second byte is 4."""
DAMAGED = "damaged UTF-8"

_BY_SCRIPT = {
    "Cyrl": ("WINDOWS-1251", "KOI8-R", "ISO-8859-5", "CP866"),
    "Grek": ("WINDOWS-1253", "CP737"),
    "Arab": ("WINDOWS-1256", "ISO-8859-6"),
    "Hebr": ("WINDOWS-1255",),
    "Thai": ("CP874",),
    "Hans": ("GB18030", "BIG5"),
    "Hant": ("BIG5", "GB18030"),
    "Jpan": ("SHIFT_JIS", "EUC-JP"),
    "Kore": ("CP949",),
}
_BY_LANGUAGE = {
    "tr": ("WINDOWS-1254",),
    "vi": ("WINDOWS-1258", "WINDOWS-1252"),
    **dict.fromkeys(("cs", "hr", "hu", "pl", "ro", "sk", "sl"), ("WINDOWS-1250", "ISO-8859-2")),
    **dict.fromkeys(("et", "lt", "lv"), ("WINDOWS-1257",)),
}
_LATIN = ("WINDOWS-1252", "CP850", "MAC-ROMAN")
_SCRIPT_NAMES = {
    "Cyrl": ("CYRILLIC",),
    "Grek": ("GREEK",),
    "Arab": ("ARABIC",),
    "Hebr": ("HEBREW",),
    "Thai": ("THAI",),
    "Hans": ("CJK",),
    "Hant": ("CJK",),
    "Jpan": ("CJK", "HIRAGANA", "KATAKANA"),
    "Kore": ("HANGUL", "CJK"),
}

# Several Cyrillic encodings give lower-case letters for the bytes of another one, but rare ones.
_COMMON = {"Cyrl": frozenset("аеоинтсрвл")}


def wide_encoding(sample: bytes) -> str | None:
    """UTF-16 or UTF-32 in either byte order, if the text that begins so is in one of them.

    Args:
        sample: the first bytes of the text, `SAMPLE_BYTES` of them are enough.
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    if b"\0" not in sample:
        return _wide_word(sample)
    if _dirt(sample.decode("utf-8", errors="replace")) < _DIRTY_SHARE:
        return None
    return next((name for name in _WIDE if _reads_as(sample, name)), None)


def likely_encoding(lines: bytes, language: str) -> str:
    """The encoding in which lines that are not UTF-8 read best.

    Args:
        lines: some of these lines.
        language: what they are written in.
    """
    if _is_mostly_utf8(lines):
        return DAMAGED
    entry = KNOWN_LANGUAGES.get(language)
    script = entry.script if entry else "Latn"
    candidates = _BY_LANGUAGE.get(language) or _BY_SCRIPT.get(script, ())
    scores = {name: _score(lines, name, script) for name in dict.fromkeys((*candidates, *_LATIN))}
    # The first of equals: candidates of the language come before those of Western Europe.
    return max(scores, key=scores.__getitem__)


def _reads_as(sample: bytes, name: str) -> bool:
    width = 4 if "32" in name else 2
    whole = sample[: len(sample) // width * width]
    try:
        text = whole.decode(name)
    except UnicodeDecodeError as error:
        # A surrogate pair may be cut at the end of the sample.
        if len(whole) - error.start > 2 * width:
            return False
        text = whole[: error.start].decode(name)
    if len(text) < _FEWEST_CHARACTERS:
        return _short_reads_well(text, sample, name)
    if _dirt(text) > _CLEAN_SHARE:
        return False
    ends = max(text.count("\n"), text.count("\r"))
    line_feeds = whole.count(b"\n")
    return ends * 3 >= line_feeds * 2 and (ends > 0 or " " in text)


def _short_reads_well(text: str, sample: bytes, name: str) -> bool:
    """Whether these few characters are a text in that encoding.

    A filter reads up to a line feed, which cuts the last character of a little-endian text in two.
    """
    width = 4 if "32" in name else 2
    cut = len(sample) % width == 1 and sample.endswith(b"\n") and name.endswith("LE")
    characters = text.strip("\r\n")
    if _dirt(text) or not (cut or len(sample) % width == 0) or not characters.isprintable():
        return False
    if width == 4 and characters:
        return True
    # One letter and a NUL may be just that: it takes two in a row, or the NUL of a line end.
    if len(text) < 2:
        return False
    if max(text) < "\u0100":
        return True
    narrow = sample.decode("utf-8", errors="replace")
    ends = cut or text.endswith(("\r", "\n"))
    few_readable = _dirt(narrow) >= _CONTROL_SHARE
    return ends and few_readable and len(characters) > 1 and _is_of_one_script(characters)


def _wide_word(sample: bytes) -> str | None:
    """UTF-16 without a space or a line end, in a script in which that makes control characters."""
    cut = len(sample) % 2 == 1 and sample.endswith(b"\n")
    word = sample.removesuffix(b"\n") if cut else sample
    if len(word) < 4:
        return None
    for high, name in ((word[1::2], "UTF-16-LE"), (word[::2], "UTF-16-BE")):
        if len(set(high)) > 1 or high[0] >= ord(" ") or high[0] in b"\t\n\r":
            continue
        characters = word.decode(name, errors="replace")
        if not _dirt(characters) and _is_of_one_script(characters):
            return name
    return None


def _is_of_one_script(text: str) -> bool:
    letters = [c for c in text if unicodedata.category(c)[0] in "LM"]
    # The first word of a letter's name is its script.
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in letters}
    return len(scripts) == 1 and len(letters) * 2 > len(text)


def _dirt(text: str) -> float:
    """The share of characters that no text holds: controls, unassigned, U+FFFD."""
    bad = sum(
        unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs") or character == "\ufffd"
        for character in text
        if character not in "\t\n\r"
    )
    return bad / max(len(text), 1)


def _is_mostly_utf8(lines: bytes) -> bool:
    text = lines.decode("utf-8", errors="replace")
    foreign = [character for character in text if not character.isascii()]
    return bool(foreign) and foreign.count("\ufffd") * 2 < len(foreign)


def _score(lines: bytes, name: str, script: str) -> float:
    """How much of what is not ASCII is lower-case, or caseless, letters of the script."""
    prefixes = _SCRIPT_NAMES.get(script, ("LATIN",))
    common = _COMMON.get(script)
    foreign = [c for c in lines.decode(name, errors="replace") if not c.isascii()]
    good = sum(
        c in common
        if common
        else c.isalpha() and not c.isupper() and unicodedata.name(c, "").startswith(prefixes)
        for c in foreign
    )
    return good / max(len(foreign), 1)
