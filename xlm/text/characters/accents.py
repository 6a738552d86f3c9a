"""Lower-casing and accent removal, for all languages and all text (spec: lowercase script).

Equal to lower(), NFD, removal of category Mn and lower() again with Unicode 14, without asking the
running Python, whose tables may be newer. Nothing is recomposed afterwards: a letter that
decomposes into other letters stays decomposed. The second lower() finds nothing to do (a test asks
every code point).
"""

from collections.abc import Iterable
from functools import cache

from xlm.text.characters import tables as characters
from xlm.text.moses.memo import Memo


def lower_without_accents(line: str) -> str:
    """Lower-case a line and drop every non-spacing mark (category Mn)."""
    line = line.rstrip()
    if line.isascii():
        return line.lower()
    # A space ends the context of every rule: of the final sigma and of the order of marks.
    return " ".join(map(_memo().__getitem__, line.split(" ")))


def lower_word(word: str) -> str:
    """The same for a piece between spaces, trailing white space kept."""
    if word.isascii():
        return word.lower()
    if "Σ" in word:
        word = _with_sigmas(word)
    plain = word.translate(_tables())
    return _reordered(word) if _MAYBE_REORDERED in plain else plain


_MAYBE_REORDERED = "\0"
"""Stands for marks that can change places though they are not removed: a score of spacing ones,
Indic and musical."""


@cache
def _memo() -> Memo:
    return Memo(lower_word)


def _with_sigmas(word: str) -> str:
    """Capital sigmas in lower case: final after a cased letter, unless one follows.

    Characters that are Case_Ignorable are passed over both ways, cased ones among them too.
    """
    kinds = characters.kinds()

    def next_is_cased(following: Iterable[str]) -> bool:
        for character in following:
            if not kinds[ord(character)] & characters.IGNORABLE:
                return bool(kinds[ord(character)] & characters.CASED)
        return False

    letters = list(word)
    for index, letter in enumerate(letters):
        if letter == "Σ":
            before = (letters[at] for at in range(index - 1, -1, -1))
            after = (letters[at] for at in range(index + 1, len(letters)))
            final = next_is_cased(before) and not next_is_cased(after)
            letters[index] = "ς" if final else "σ"
    return "".join(letters)


class _Plain(dict[int, int | str | None]):
    """Code points to what is left of them; fills itself with the ones that are met."""

    def __missing__(self, point: int) -> int | str:
        self[point] = value = characters.hangul_decomposition(point) or point
        return value


@cache
def _tables() -> _Plain:
    lower, whole, marks = (
        characters.lower_case(),
        characters.decompositions(),
        characters.marks(),
    )
    spacing = characters.combining_classes().keys() - marks
    table = _Plain(dict.fromkeys(marks))
    for point in whole.keys() | lower.keys() | spacing:
        decomposed = _decomposed(lower.get(point, chr(point)))
        left = "".join(c for c in decomposed if ord(c) not in marks)
        table[point] = left if spacing.isdisjoint(map(ord, left)) else _MAYBE_REORDERED
    return table


def _decomposed(text: str) -> str:
    whole = characters.decompositions()
    return "".join(whole.get(ord(c)) or characters.hangul_decomposition(ord(c)) or c for c in text)


def _reordered(word: str) -> str:
    """The slow way: marks are put into canonical order before some of them go."""
    lower, classes, marks = (
        characters.lower_case(),
        characters.combining_classes(),
        characters.marks(),
    )
    ordered: list[str] = []
    run: list[str] = []
    for character in _decomposed("".join(lower.get(ord(c), c) for c in word)) + "\0":
        if ord(character) in classes:
            run.append(character)
            continue
        ordered += sorted(run, key=lambda mark: classes[ord(mark)])
        run = []
        ordered.append(character)
    return "".join(c for c in ordered[:-1] if ord(c) not in marks)
