"""Separate signs depending on their neighbors: commas, apostrophes, colons in some languages.

A match of a global substitution in Perl consumes its neighbors. So if one character is between two
signs, the second may not be separated. `Separation` behaves in the same way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from xlm.text.characters import tables as characters

CharacterTest = Callable[[str], bool]


def _none_of(*flags: int) -> CharacterTest:
    table, mask = characters.character_flags(), sum(flags)
    return lambda character: not table[ord(character)] & mask


@dataclass(frozen=True)
class Separation:
    """The substitution s/(left)sign(right)/$1 new $2/g; None matches without a neighbor."""

    sign: str
    new: str
    left: CharacterTest | None = None
    right: CharacterTest | None = None

    def apply(self, text: str) -> str:
        """Replace each match, from left to right."""
        sign, left, right = self.sign, self.left, self.right
        at = text.find(sign)
        parts: list[str] = []
        copied = consumed = 0
        before, after, length = left is not None, right is not None, len(text)
        while at >= 0:
            end = at + len(sign)
            if (
                at - before >= consumed
                and end + after <= length
                and (left is None or left(text[at - 1]))
                and (right is None or right(text[end]))
            ):
                parts += text[copied:at], self.new
                copied, consumed = end, end + after
            at = text.find(sign, end)
        parts.append(text[copied:])
        return "".join(parts)


def separate_commas(text: str) -> str:
    """Separate commas, but not inside numbers (5,300)."""
    if "," not in text:
        return text
    for rule in _comma_rules():
        text = rule.apply(text)
    if (
        len(text) > 1
        and text[-1] == ","
        and characters.character_flags()[ord(text[-2])] & characters.NUMBER
    ):
        text = text[:-1] + " ,"
    return text


@cache
def _comma_rules() -> Sequence[Separation]:
    not_number = _none_of(characters.NUMBER)
    return (Separation(",", " , ", left=not_number), Separation(",", " , ", right=not_number))


def apostrophe_rules(language: str) -> Sequence[Separation]:
    """Return the rules of a language, in order: English splits 's, French l', most separate '."""
    alphabetic, other = characters.has_flag(characters.ALPHABETIC), _none_of(characters.ALPHABETIC)
    both_sides, to_right, to_left = " ' ", " '", "' "
    if language == "en":
        neither = _none_of(characters.ALPHABETIC, characters.NUMBER)
        return (
            Separation("'", both_sides, other, other),
            Separation("'", both_sides, neither, alphabetic),
            Separation("'", both_sides, alphabetic, other),
            Separation("'", to_right, alphabetic, alphabetic),
            # 1990's
            Separation("'", to_right, characters.has_flag(characters.NUMBER), "s".__eq__),
        )
    if language in {"fr", "it", "ga", "ca", "so", "tdt"}:
        outer = (
            Separation("'", both_sides, other, other),
            Separation("'", both_sides, other, alphabetic),
            Separation("'", both_sides, alphabetic, other),
        )
        if language in {"so", "tdt"}:  # a glottal stop is part of its word
            return outer
        return (*outer, Separation("'", to_left, alphabetic, alphabetic))
    return (Separation("'", both_sides),)


def inner_sign(language: str) -> str:
    """Return the sign that words of a language can contain, other than the apostrophe, or "".

    The middle dot of Catalan has two characters: Perl does not read its script as UTF-8, so the
    rule matches Â before the dot.
    """
    return {"fi": ":", "sv": ":", "tdt": "'", "ca": "Â·"}.get(language, "")


def separate_inner_sign(text: str, sign: str) -> str:
    """Separate a sign unless a lowercase letter (Ll) follows: fi "EU:ssa", but "klo : 5"."""
    flags = characters.character_flags()
    first, *rest = text.split(sign)
    parts = [first]
    for part in rest:
        inside = part and flags[ord(part[0])] & characters.LOWERCASE_LETTER
        parts += sign if inside else f" {sign} ", part
    return "".join(parts)
