"""Lowercasing and accent removal, for all languages (spec: lowercase script).

Equal to lower(), NFD, removal of category Mn, and lower() again, with Unicode 14. The tables of the
running Python are not used, because they may be newer. Nothing is recomposed: a letter that
decomposes into other letters stays decomposed. The second lower() never changes anything, which a
test checks for each code point.
"""

from collections.abc import Iterable
from functools import cache

from xlm.text.characters import tables as characters
from xlm.text.moses.memo import Memo


def lower_without_accents(line: str) -> str:
    """Lowercase a line and remove all non-spacing marks (category Mn)."""
    line = line.rstrip()
    if line.isascii():
        return line.lower()
    # No rule looks across a space: neither the final sigma nor the order of marks.
    return " ".join(map(_memo().__getitem__, line.split(" ")))


def lower_word(word: str) -> str:
    """Lowercase a word and remove its non-spacing marks; trailing white space stays."""
    if word.isascii():
        return word.lower()
    if "Σ" in word:
        word = _with_sigmas(word)
    plain = word.translate(_tables())
    return _reordered(word) if _MAYBE_REORDERED in plain else plain


_MAYBE_REORDERED = "\0"
"""Placeholder for about 20 spacing marks, Indic and musical, that NFD can reorder."""


@cache
def _memo() -> Memo:
    return Memo(lower_word)


def _with_sigmas(word: str) -> str:
    """Lowercase capital sigmas: final after a cased letter that no cased letter follows.

    In both directions, Case_Ignorable characters are skipped, even if they are cased.
    """
    flags = characters.character_flags()

    def first_is_cased(neighbors: Iterable[str]) -> bool:
        for character in neighbors:
            if not flags[ord(character)] & characters.CASE_IGNORABLE:
                return bool(flags[ord(character)] & characters.CASED)
        return False

    letters = list(word)
    for index, letter in enumerate(letters):
        if letter == "Σ":
            before = (letters[at] for at in range(index - 1, -1, -1))
            after = (letters[at] for at in range(index + 1, len(letters)))
            final = first_is_cased(before) and not first_is_cased(after)
            letters[index] = "ς" if final else "σ"
    return "".join(letters)


class _Replacements(dict[int, int | str | None]):
    """Maps code points to the characters that remain; filled on demand."""

    def __missing__(self, point: int) -> int | str:
        self[point] = value = characters.hangul_decomposition(point) or point
        return value


@cache
def _tables() -> _Replacements:
    lower, decompositions, marks = (
        characters.lower_case(),
        characters.decompositions(),
        characters.marks(),
    )
    spacing = characters.combining_classes().keys() - marks
    table = _Replacements(dict.fromkeys(marks))
    for point in decompositions.keys() | lower.keys() | spacing:
        decomposed = _decomposed(lower.get(point, chr(point)))
        remaining = "".join(c for c in decomposed if ord(c) not in marks)
        table[point] = remaining if spacing.isdisjoint(map(ord, remaining)) else _MAYBE_REORDERED
    return table


def _decomposed(text: str) -> str:
    decompositions = characters.decompositions()
    return "".join(
        decompositions.get(ord(c)) or characters.hangul_decomposition(ord(c)) or c for c in text
    )


def _reordered(word: str) -> str:
    """The slow path: put marks into canonical order, then remove non-spacing marks."""
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
