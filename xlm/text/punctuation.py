"""The three Moses filters before the tokenizer, as XLM pipes them.

    A = replace-unicode-punctuation, B = normalize-punctuation -l LANG, C = remove-non-printing-char

The substitutions are sacremoses'; what the Perl scripts do otherwise is mended here.
"""

import re
import unicodedata
from collections.abc import Callable

from sacremoses import MosesPunctNormalizer

Filter = Callable[[str], str]

# normalize-punctuation.perl: English moves the quote behind comma and stop, Czech leaves both
# alone, and every other language moves the quote before them (sacremoses: only de, es, fr).
_QUOTES_ENGLISH = ((r'"([,.]+)', r'\1"'),)
_QUOTES_OTHERS = ((r',"', r'",'), (r'(\.+)"(\s*[^<])', r'"\1\2'))
_COMMA_DECIMALS = frozenset({"de", "es", "cz", "cs", "fr"})


def punctuation_filter(language: str) -> Filter:
    """A, B and C for one language, as one function from line to line (no newline inside)."""
    normalize = _normalizer(language)

    def filter_line(line: str) -> str:
        return remove_non_printing(normalize(replace_unicode_punctuation(line)))

    return filter_line


def replace_unicode_punctuation(line: str) -> str:
    """A: full-width and typographic signs become ASCII."""
    if line.isascii():
        return line
    line = _FULL_STOPS.sub(". ", line)
    return line.translate(_REPLACEMENTS)


def remove_non_printing(line: str) -> str:
    """C: each code point of general category C becomes a space (deleting it is not the same)."""
    return line if line.isprintable() else line.translate(_NON_PRINTING)


def _normalizer(language: str) -> Filter:
    # perl_parity: the current script turns a lone closing quote into a double one.
    base = MosesPunctNormalizer(
        lang=language, norm_quote_commas=False, norm_numbers=False, perl_parity=True
    )
    rules = list(base.substitutions)
    if language == "en":
        rules += _QUOTES_ENGLISH
    elif language not in {"cs", "cz"}:
        rules += _QUOTES_OTHERS
    separator = "," if language in _COMMA_DECIMALS else "."
    rules.append(("(\\d)\u00a0(\\d)", rf"\1{separator}\2"))
    # The script works on bytes, where \d and \s know ASCII alone.
    compiled = [(re.compile(pattern, re.ASCII), replacement) for pattern, replacement in rules]

    def normalize(line: str) -> str:
        # The script sees the newline: it is the "not followed by <" of a quote at line end.
        line += "\n"
        for pattern, replacement in compiled:
            line = pattern.sub(replacement, line)
        return line[:-1]

    return normalize


# Perl eats U+0020 alone after a full-width stop, not any white space.
_FULL_STOPS = re.compile("[。．] *")
_REPLACEMENTS = str.maketrans(
    {
        source: target
        for source, target in MosesPunctNormalizer.REPLACE_UNICODE_PUNCTUATION
        if len(source) == 1
    }
)


class _NonPrintingTable(dict[int, int]):
    """Fills itself with the code points that are met."""

    def __missing__(self, code_point: int) -> int:
        control = unicodedata.category(chr(code_point)).startswith("C")
        self[code_point] = value = 0x20 if control else code_point
        return value


_NON_PRINTING = _NonPrintingTable()
