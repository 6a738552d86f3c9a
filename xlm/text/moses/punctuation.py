"""The three Moses filters before the tokenizer, in the order of XLM.

    A = replace-unicode-punctuation, B = normalize-punctuation -l LANG, C = remove-non-printing-char

The substitutions and their order are those of sacremoses (`MosesPunctNormalizer`, perl_parity),
corrected where the Perl scripts differ; docs/explanation/text-path.md lists the differences. A test
compares both.
"""

import re
from collections.abc import Callable, Sequence

from xlm.text.characters import tables as characters

Filter = Callable[[str], str]

Rule = tuple[str, re.Pattern[str] | None, str]
"""Required text, pattern (None: the required text itself), replacement.

A line without the required text skips the rule.
"""


def punctuation_filter(language: str) -> Filter:
    """Return filters A, B and C of a language as one function of a line without its newline."""
    normalize = _normalizer(language)

    def filter_line(line: str) -> str:
        return remove_non_printing(normalize(replace_unicode_punctuation(line)))

    return filter_line


# Filter A -----------------------------------------------------------------------------------------

REPLACED = {
    **dict(zip("０１２３４５６７８９", "0123456789", strict=True)),
    **dict(zip("，、：∶；！？～％", ",,::;!?~%", strict=True)),
    **dict(zip("（）〈〉【】", "()<>[]", strict=True)),
    **dict.fromkeys("“”「」《》", '"'),
    "’": "'",
    "━": "-",
    "…": "...",
}
"""Replacements of filter A, without the full stops."""
FULL_STOPS = "。．"
_REPLACED = re.compile(f"[{''.join(REPLACED)}]")
_REPLACEMENTS = str.maketrans(REPLACED)
# Perl removes only U+0020 after a full-width stop; sacremoses removes any white space.
_FULL_STOP = re.compile(f"[{FULL_STOPS}] *")


def replace_unicode_punctuation(line: str) -> str:
    """Apply filter A: full-width and typographic signs become ASCII."""
    if line.isascii():
        return line
    if any(stop in line for stop in FULL_STOPS):
        line = _FULL_STOP.sub(". ", line)
    return line.translate(_REPLACEMENTS) if _REPLACED.search(line) else line


# Filter B -----------------------------------------------------------------------------------------

NO_BREAK = "\u00a0"


def _rule(old: str, new: str, needed: str | None = None) -> Rule:
    # The Perl script works on bytes, so \d, \s and letters are ASCII only.
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
    # With or without letters around it, ‘ becomes ' (A already replaced ’, “, ” and …).
    _rule("‘", "'"),
    _rule("‚", "'"),
    _rule("''", '"'),
    # The space on the outer side of separate quotes stays (sacremoses: only with perl_parity).
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
"""No rule applies to a line without these signs and without two adjacent apostrophes."""
_HINT = re.compile(f"[{SIGNS_OF_RULES}]")

_DECIMAL_COMMA = frozenset({"de", "es", "cz", "cs", "fr"})


def _normalizer(language: str) -> Filter:
    # English moves a quote after commas and stops, Czech moves none, each other language moves the
    # quote before them (sacremoses: only de, es and fr).
    separator = "," if language in _DECIMAL_COMMA else "."
    number_gap = _rule(rf"(\d){NO_BREAK}(\d)", rf"\1{separator}\2", NO_BREAK)
    movers: dict[str, Filter] = {"en": _move_quotes_in_english, "cs": str, "cz": str}
    move_quotes = movers.get(language, _move_quotes)

    def normalize(line: str) -> str:
        if "''" in line or _HINT.search(line):
            line = _apply(RULES, line)
        if '"' in line:
            line = move_quotes(line)
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
    """Replace `,"` by `",`, and move dots before a quote after it, unless `<` follows.

    Equal to the substitution `(\\.+)"(\\s*[^<])`, which takes quadratic time on a run of dots. The
    Perl script includes the newline of the line, which counts as "not <".
    """
    line = line.replace(',"', '",')
    parts: list[str] = []
    done = 0
    while (stop := line.find('."', done)) >= 0:
        quote = stop + 1
        after = _AFTER_QUOTE.match(line, quote + 1)
        if after is None:
            parts.append(line[done : quote + 1])
            done = quote + 1
            continue
        before = line[done:quote].rstrip(".")
        dots = line[done + len(before) : quote]
        parts += before, '"', dots, after.group()
        done = after.end()
    return "".join(parts) + line[done:]


# Filter C -----------------------------------------------------------------------------------------


def remove_non_printing(line: str) -> str:
    """Apply filter C: replace each code point of general category C by a space."""
    if line.isascii() and line.isprintable():
        return line
    return line.translate(_NON_PRINTING)


class _NonPrinting(dict[int, int]):
    """Translation table for filter C, filled on demand."""

    def __missing__(self, point: int) -> int:
        other = characters.character_flags()[point] & characters.OTHER
        self[point] = value = 0x20 if other else point
        return value


_NON_PRINTING = _NonPrinting()
