"""Keep runs of dots together: the tokenizer temporarily replaces them by DOTMULTI words.

Such a word in the text itself is converted to dots, as in Perl.
"""

import re

_RUN = re.compile(r"\.(\.+)")
_FOLLOWED = re.compile(r"DOTMULTI\.([^.])")
_HIDDEN = re.compile(r"DOTMULTI(\.+)([^.]?)")


def hide_dots(text: str) -> str:
    """Replace each run of two or more dots by DOT...MULTI between spaces.

    Perl replaces one dot of each run per round, until none is left. Only the first round can differ
    from the others, because of a DOTMULTI in the text that one dot follows. The other rounds are
    one step here, so that a run of n dots takes linear time, not quadratic.
    """
    if ".." not in text and "DOTMULTI." not in text:
        return text
    text = _RUN.sub(r" DOTMULTI\1", text)
    text = _FOLLOWED.sub(r"DOTDOTMULTI \1", text).replace("DOTMULTI.", "DOTDOTMULTI")
    return _HIDDEN.sub(_hide, text)


def show_dots(text: str) -> str:
    """Restore the dots: each DOT...MULTI becomes as many dots as it has DOTs."""
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


def _hide(run: re.Match[str]) -> str:
    dots, following = run.groups()
    return "DOT" * len(dots) + "DOTMULTI" + (f" {following}" if following else "")
