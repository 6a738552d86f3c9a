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
_ENGLISH_QUOTES = (r'"([,.]+)', r'\1"')
_AFTER_QUOTE = re.compile(r"\s*[^<]", re.ASCII)
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
    rules = [*base.substitutions, *([_ENGLISH_QUOTES] if language == "en" else [])]
    # The script works on bytes, where \d and \s know ASCII alone.
    compiled = [(re.compile(pattern, re.ASCII), replacement) for pattern, replacement in rules]
    moves_quotes = language not in {"en", "cs", "cz"}
    number_gap = re.compile("(\\d)\u00a0(\\d)", re.ASCII)
    separator = rf"\1{',' if language in _COMMA_DECIMALS else '.'}\2"

    def normalize(line: str) -> str:
        # The script sees the newline: it is the "not followed by <" of a quote at line end.
        line += "\n"
        for pattern, replacement in compiled:
            line = pattern.sub(replacement, line)
        if moves_quotes:
            line = _move_quotes(line)
        return number_gap.sub(separator, line)[:-1]

    return normalize


def _move_quotes(line: str) -> str:
    """`,"` becomes `",`; dots before a quote that is not followed by `<` go behind it.

    As the substitution `(\\.+)"(\\s*[^<])` would, which takes quadratic time on a row of dots.
    """
    line = line.replace(',"', '",')
    parts: list[str] = []
    done = 0
    while (stop := line.find('."', done)) >= 0:
        quote = stop + 1
        following = _AFTER_QUOTE.match(line, quote + 1)
        if following is None:
            parts.append(line[done : quote + 1])
            done = quote + 1
            continue
        before = line[done:quote].rstrip(".")
        dots = line[done + len(before) : quote]
        parts += before, '"', dots, following.group()
        done = following.end()
    return "".join(parts) + line[done:]


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
