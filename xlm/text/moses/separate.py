"""Signs set apart by what stands beside them: commas, apostrophes, and colons in some languages.

Perl's substitutions are global: a match uses up the characters that it looked at, so that of two
signs with one character between them the second may stay as it is. `Separation` does the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from xlm.text.characters import tables as characters

Test = Callable[[str], bool]


def _none_of(*flags: int) -> Test:
    table, mask = characters.kinds(), sum(flags)
    return lambda character: not table[ord(character)] & mask


@dataclass(frozen=True)
class Separation:
    """The substitution s/(left)sign(right)/$1 new $2/g; a test that is None looks at nothing."""

    sign: str
    new: str
    left: Test | None = None
    right: Test | None = None

    def apply(self, text: str) -> str:
        """The text with each match replaced, from left to right."""
        sign, left, right = self.sign, self.left, self.right
        at = text.find(sign)
        parts: list[str] = []
        copied = used = 0
        back, ahead, length = left is not None, right is not None, len(text)
        while at >= 0:
            end = at + len(sign)
            if (
                at - back >= used
                and end + ahead <= length
                and (left is None or left(text[at - 1]))
                and (right is None or right(text[end]))
            ):
                parts += text[copied:at], self.new
                copied, used = end, end + ahead
            at = text.find(sign, end)
        parts.append(text[copied:])
        return "".join(parts)


def commas(text: str) -> str:
    """A comma is set apart, but not inside of numbers (5,300)."""
    if "," not in text:
        return text
    for rule in _commas():
        text = rule.apply(text)
    if len(text) > 1 and text[-1] == "," and characters.kinds()[ord(text[-2])] & characters.NUMBER:
        text = text[:-1] + " ,"
    return text


@cache
def _commas() -> Sequence[Separation]:
    no_number = _none_of(characters.NUMBER)
    return (Separation(",", " , ", left=no_number), Separation(",", " , ", right=no_number))


def apostrophes(language: str) -> Sequence[Separation]:
    """The rules of a language, in order: English splits 's off, French l', most set ' apart."""
    alphabetic, other = characters.has(characters.ALPHABETIC), _none_of(characters.ALPHABETIC)
    apart, to_right, to_left = " ' ", " '", "' "
    if language == "en":
        neither = _none_of(characters.ALPHABETIC, characters.NUMBER)
        return (
            Separation("'", apart, other, other),
            Separation("'", apart, neither, alphabetic),
            Separation("'", apart, alphabetic, other),
            Separation("'", to_right, alphabetic, alphabetic),
            # 1990's
            Separation("'", to_right, characters.has(characters.NUMBER), "s".__eq__),
        )
    if language in {"fr", "it", "ga", "ca", "so", "tdt"}:
        outer = (
            Separation("'", apart, other, other),
            Separation("'", apart, other, alphabetic),
            Separation("'", apart, alphabetic, other),
        )
        if language in {"so", "tdt"}:  # a glottal stop stays in its word
            return outer
        return (*outer, Separation("'", to_left, alphabetic, alphabetic))
    return (Separation("'", apart),)


def inner_sign(language: str) -> str:
    """The sign that words of a language may contain, beside the apostrophe.

    Catalan's middle dot is two characters: the script's own bytes are not read as UTF-8, so that
    its rule looks for Â before the dot.
    """
    return {"fi": ":", "sv": ":", "tdt": "'", "ca": "Â·"}.get(language, "")


def inside_words(text: str, sign: str) -> str:
    """Set a sign apart unless a small letter (Ll) follows it: fi "EU:ssa", but "klo : 5"."""
    kinds = characters.kinds()
    first, *rest = text.split(sign)
    parts = [first]
    for part in rest:
        inside = part and kinds[ord(part[0])] & characters.SMALL_LETTER
        parts += sign if inside else f" {sign} ", part
    return "".join(parts)
