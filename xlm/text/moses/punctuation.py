"""The three Moses filters before the tokenizer, as XLM pipes them.

    A = replace-unicode-punctuation, B = normalize-punctuation -l LANG, C = remove-non-printing-char

The substitutions are sacremoses' (`MosesPunctNormalizer` with perl_parity), in its order; what the
Perl scripts do otherwise is corrected here (docs/explanation/text-path.md). A test compares both.
"""

import re
from collections.abc import Callable, Sequence

from xlm.text.characters import tables as characters

Filter = Callable[[str], str]

Rule = tuple[str, re.Pattern[str] | None, str]
"""A text without which the rule cannot apply, what it looks for if not that text, what it puts."""


def punctuation_filter(language: str) -> Filter:
    """A, B and C for one language, as one function from line to line (no newline inside)."""
    normalize = _normalizer(language)

    def filter_line(line: str) -> str:
        return remove_non_printing(normalize(replace_unicode_punctuation(line)))

    return filter_line


# A ------------------------------------------------------------------------------------------------

REPLACED = {
    **dict(zip("０１２３４５６７８９", "0123456789", strict=True)),
    **dict(zip("，、：∶；！？～％", ",,::;!?~%", strict=True)),
    **dict(zip("（）〈〉【】", "()<>[]", strict=True)),
    **dict.fromkeys("“”「」《》", '"'),
    "’": "'",
    "━": "-",
    "…": "...",
}
"""What A replaces, beside the full stops."""
FULL_STOPS = "。．"
_REPLACED = re.compile(f"[{''.join(REPLACED)}]")
_REPLACEMENTS = str.maketrans(REPLACED)
# Perl eats U+0020 alone after a full-width stop; sacremoses any white space.
_FULL_STOP = re.compile(f"[{FULL_STOPS}] *")


def replace_unicode_punctuation(line: str) -> str:
    """A: full-width and typographic signs become ASCII."""
    if line.isascii():
        return line
    if any(stop in line for stop in FULL_STOPS):
        line = _FULL_STOP.sub(". ", line)
    return line.translate(_REPLACEMENTS) if _REPLACED.search(line) else line


# B ------------------------------------------------------------------------------------------------

NO_BREAK = "\u00a0"


def _rule(old: str, new: str, needed: str | None = None) -> Rule:
    # The script works on bytes, where \d, \s and letters are ASCII alone.
    return (old, None, new) if needed is None else (needed, re.compile(old, re.ASCII), new)


_COLLAPSE = _rule(" +", " ", "  ")

RULES: Sequence[Rule] = (
    _rule("\r", ""),
    _rule("(", " ("),
    _rule(")", ") "),
    _COLLAPSE,
    _rule(r"\) ([.!:?;,])", r")\1", ") "),
    _rule("( ", "("),
    _rule(" )", ")"),
    _rule(r"(\d) %", r"\1%", " %"),
    _rule(" :", ":"),
    _rule(" ;", ";"),
    _rule("`", "'"),
    _rule("''", ' " '),
    _rule("„", '"'),
    _rule("–", "-"),
    _rule("—", " - "),
    _COLLAPSE,
    _rule("´", "'"),
    # A letter on each side or not, ‘ becomes ' (’, “, ” and … did in A).
    _rule("‘", "'"),
    _rule("‚", "'"),
    _rule("''", '"'),
    # A space stays on the outer side of quotes that stood apart; sacremoses: with perl_parity.
    _rule(f"{NO_BREAK}«{NO_BREAK}", ' "'),
    _rule(f"«{NO_BREAK}", '"'),
    _rule("«", '"'),
    _rule(f"{NO_BREAK}»{NO_BREAK}", '" '),
    _rule(f"{NO_BREAK}»", '"'),
    _rule("»", '"'),
    _rule(f"{NO_BREAK}%", "%"),
    _rule(f"nº{NO_BREAK}", "nº "),
    _rule(f"{NO_BREAK}:", ":"),
    _rule(f"{NO_BREAK}ºC", " ºC"),
    _rule(f"{NO_BREAK}cm", " cm"),
    _rule(f"{NO_BREAK}?", "?"),
    _rule(f"{NO_BREAK}!", "!"),
    _rule(f"{NO_BREAK};", ";"),
    _rule(f",{NO_BREAK}", ", "),
    _COLLAPSE,
)

SIGNS_OF_RULES = f" \r()`„–—´‘‚«»{NO_BREAK}"
"""Without one of them, or two apostrophes together, no rule applies: most words have none."""
_HINT = re.compile(f"[{SIGNS_OF_RULES}]")

_COMMA_DECIMALS = frozenset({"de", "es", "cz", "cs", "fr"})


def _normalizer(language: str) -> Filter:
    # English moves the quote behind comma and stop, Czech leaves both alone, every other language
    # moves the quote before them (sacremoses: only de, es and fr).
    separator = "," if language in _COMMA_DECIMALS else "."
    number_gap = _rule(rf"(\d){NO_BREAK}(\d)", rf"\1{separator}\2", NO_BREAK)
    movers: dict[str, Filter] = {"en": _move_quotes_in_english, "cs": str, "cz": str}
    move = movers.get(language, _move_quotes)

    def normalize(line: str) -> str:
        if "''" in line or _HINT.search(line):
            line = _apply(RULES, line)
        if '"' in line:
            line = move(line)
        return _apply((number_gap,), line)

    return normalize


def _apply(rules: Sequence[Rule], line: str) -> str:
    for needed, pattern, new in rules:
        if needed in line:
            line = pattern.sub(new, line) if pattern else line.replace(needed, new)
    return line


_QUOTE_FIRST = re.compile(r'"([,.]+)')


def _move_quotes_in_english(line: str) -> str:
    return _QUOTE_FIRST.sub(r'\1"', line)


_AFTER_QUOTE = re.compile(r"\s*[^<]|\Z", re.ASCII)


def _move_quotes(line: str) -> str:
    """`,"` becomes `",`; dots before a quote that is not followed by `<` go behind it.

    As the substitution `(\\.+)"(\\s*[^<])` would, which takes quadratic time on a row of dots. The
    script sees the newline of the line, which is such a "not <".
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


# C ------------------------------------------------------------------------------------------------


def remove_non_printing(line: str) -> str:
    """C: each code point of general category C becomes a space (deleting it is not the same)."""
    if line.isascii() and line.isprintable():
        return line
    return line.translate(_NON_PRINTING)


class _NonPrinting(dict[int, int]):
    """Fills itself with the code points that are met."""

    def __missing__(self, point: int) -> int:
        other = characters.kinds()[point] & characters.OTHER
        self[point] = value = 0x20 if other else point
        return value


_NON_PRINTING = _NonPrinting()
