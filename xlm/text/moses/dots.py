"""Rows of dots stay together as words: the tokenizer hides them as DOTMULTI words for a while.

A text that itself contains such a word has it turned into dots: so does Perl.
"""

import re

_RUN = re.compile(r"\.(\.+)")
_FOLLOWED = re.compile(r"DOTMULTI\.([^.])")
_HIDDEN = re.compile(r"DOTMULTI(\.+)([^.]?)")


def hide_dots(text: str) -> str:
    """Each row of two or more dots becomes DOT...MULTI, a space before it and one after it.

    Perl hides one dot of each row a round, over the whole text, until none is left. Only the first
    round can differ from the rest (a DOTMULTI of the text and its one dot are done with it), so
    that the others are one step here: a row of n dots takes linear, not quadratic time.
    """
    if ".." not in text and "DOTMULTI." not in text:
        return text
    text = _RUN.sub(r" DOTMULTI\1", text)
    text = _FOLLOWED.sub(r"DOTDOTMULTI \1", text).replace("DOTMULTI.", "DOTDOTMULTI")
    return _HIDDEN.sub(_hide, text)


def show_dots(text: str) -> str:
    """The dots again: each DOT...MULTI, as far back as its DOTs go."""
    if "DOTMULTI" not in text:
        return text
    *parts, rest = text.split("MULTI")
    shown: list[str] = []
    for part in parts:
        end = at = len(part)
        while at >= 3 and part.startswith("DOT", at - 3):
            at -= 3
        shown += (part[:at], "." * ((end - at) // 3)) if at < end else (part, "MULTI")
    return "".join(shown) + rest


def _hide(row: re.Match[str]) -> str:
    dots, following = row.groups()
    return "DOT" * len(dots) + "DOTMULTI" + (f" {following}" if following else "")
