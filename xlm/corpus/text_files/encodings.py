"""Guesses the encoding of a text that is not plain UTF-8 from its first bytes.

    wide_encoding(b"L\\x00'\\x00\\xe9\\x00")    # "UTF-16-LE"
    likely_encoding(b"L'\\xe9l\\xe8ve", "fr")   # "WINDOWS-1252"

UTF-16 and UTF-32 are detected reliably: by a byte order mark, or by NULs and line ends. In a text
of a few characters, every character must be one that texts contain.
One-byte encodings are a guess: the encoding that yields the most letters of the language.
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
_MIN_CHARACTERS = 8
_MAX_INVALID_WIDE = 0.01
_MIN_INVALID_NARROW = 0.05
_MIN_CONTROLS = 0.3
"""A few characters with fewer controls are UTF-8 with a NUL. In UTF-16 most characters contain a
control byte; in Cyrillic every second byte is 4."""
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
    "vi": ("WINDOWS-1258", "WINDOWS-1252"),
    **dict.fromkeys(("az", "crh", "gag", "ku", "tk", "tr"), ("WINDOWS-1254",)),
    **dict.fromkeys(
        (
            *("bs", "cs", "csb", "dsb", "hr", "hsb", "hu", "pl", "ro", "sh", "sk", "sl", "sq"),
            *("rup", "szl"),
        ),
        ("WINDOWS-1250", "ISO-8859-2"),
    ),
    **dict.fromkeys(("et", "lt", "ltg", "lv", "sgs", "vro"), ("WINDOWS-1257",)),
    **dict.fromkeys(("eo", "mt"), ("ISO-8859-3",)),
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

# Several Cyrillic encodings decode the bytes of another one to lower-case letters, but rare ones.
_COMMON = {"Cyrl": frozenset("аеоинтсрвл")}


def wide_encoding(sample: bytes) -> str | None:
    """Detect UTF-16 or UTF-32 in either byte order; None for any other encoding.

    Args:
        sample: the first bytes of the text; `SAMPLE_BYTES` are enough.
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    if b"\0" not in sample:
        return _wide_word(sample)
    if _invalid_share(sample.decode("utf-8", errors="replace")) < _MIN_INVALID_NARROW:
        return None
    return next((name for name in _WIDE if _reads_as(sample, name)), None)


def likely_encoding(lines: bytes, language: str) -> str:
    """Guess the encoding of lines that are not UTF-8.

    Args:
        lines: some of these lines.
        language: code of their language.
    """
    if _is_mostly_utf8(lines):
        return DAMAGED
    entry = KNOWN_LANGUAGES.get(language)
    script = entry.script if entry else "Latn"
    candidates = _BY_LANGUAGE.get(language) or _BY_SCRIPT.get(script, ())
    scores = {name: _score(lines, name, script) for name in dict.fromkeys((*candidates, *_LATIN))}
    # Of equal scores the first wins: candidates of the language come before Western European ones.
    return max(scores, key=scores.__getitem__)


def _reads_as(sample: bytes, name: str) -> bool:
    width = 4 if "32" in name else 2
    aligned = sample[: len(sample) // width * width]
    try:
        text = aligned.decode(name)
    except UnicodeDecodeError as error:
        # The end of the sample may cut a surrogate pair.
        if len(aligned) - error.start > 2 * width:
            return False
        text = aligned[: error.start].decode(name)
    if len(text) < _MIN_CHARACTERS:
        return _short_reads_well(text, sample, name)
    if _invalid_share(text) > _MAX_INVALID_WIDE:
        return False
    ends = max(text.count("\n"), text.count("\r"))
    line_feeds = aligned.count(b"\n")
    return ends * 3 >= line_feeds * 2 and (ends > 0 or " " in text)


def _short_reads_well(text: str, sample: bytes, name: str) -> bool:
    """Whether a few characters are a text in this encoding.

    A filter reads up to a line feed byte, which cuts the last character of little-endian text.
    """
    width = 4 if "32" in name else 2
    cut = len(sample) % width == 1 and sample.endswith(b"\n") and name.endswith("LE")
    characters = text.strip("\r\n")
    if (
        _invalid_share(text)
        or not (cut or len(sample) % width == 0)
        or not characters.isprintable()
    ):
        return False
    if width == 4 and characters:
        return True
    # One letter and a NUL may be just that: require two in a row, or the NUL of a line end.
    if len(text) < 2:
        return False
    if max(text) < "\u0100":
        return True
    narrow = sample.decode("utf-8", errors="replace")
    ends = cut or text.endswith(("\r", "\n"))
    few_readable = _invalid_share(narrow) >= _MIN_CONTROLS
    return ends and few_readable and len(characters) > 1 and _is_of_one_script(characters)


def _wide_word(sample: bytes) -> str | None:
    """Detect UTF-16 without spaces or line ends, in a script with control bytes as high bytes."""
    cut = len(sample) % 2 == 1 and sample.endswith(b"\n")
    word = sample.removesuffix(b"\n") if cut else sample
    if len(word) < 4:
        return None
    for high, name in ((word[1::2], "UTF-16-LE"), (word[::2], "UTF-16-BE")):
        if len(set(high)) > 1 or high[0] >= ord(" ") or high[0] in b"\t\n\r":
            continue
        characters = word.decode(name, errors="replace")
        if not _invalid_share(characters) and _is_of_one_script(characters):
            return name
    return None


def _is_of_one_script(text: str) -> bool:
    letters = [c for c in text if unicodedata.category(c)[0] in "LM"]
    # The first word of a letter's name is its script.
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in letters}
    return len(scripts) == 1 and len(letters) * 2 > len(text)


def _invalid_share(text: str) -> float:
    """The share of characters that do not occur in text: controls, unassigned, U+FFFD."""
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
    """The share of lower-case or caseless letters of the script among non-ASCII characters."""
    prefixes = _SCRIPT_NAMES.get(script, ("LATIN",))
    common = _COMMON.get(script)
    foreign = [c for c in lines.decode(name, errors="replace") if not c.isascii()]
    matching = sum(
        c in common
        if common
        else c.isalpha() and not c.isupper() and unicodedata.name(c, "").startswith(prefixes)
        for c in foreign
    )
    return matching / max(len(foreign), 1)
