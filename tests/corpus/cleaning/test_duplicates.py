"""Cleaners that compare a row with all earlier ones."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlm.corpus.cleaning import duplicates
from xlm.corpus.cleaning.duplicates import (
    Duplicates,
    NearDuplicates,
    bands_for,
    first_of_each,
)

SENTENCE = (
    "The pipeline reads a dump of the encyclopedia and writes one paragraph on each line of text."
)


def _similar(cleaner: Duplicates | NearDuplicates, *rows: tuple[str, ...]) -> bool:
    first, second = cleaner.hashes(rows).T
    return bool((first == second).any())


def test_equal_rows_are_duplicates_whatever_the_spaces_around_them() -> None:
    assert _similar(Duplicates(), ("Habari",), (" Habari ",))
    assert not _similar(Duplicates(), ("Habari",), ("habari",))


def test_a_pair_is_a_duplicate_only_with_both_sides() -> None:
    assert _similar(Duplicates(), ("Yes.", "Ndiyo."), ("Yes.", "Ndiyo."))
    assert not _similar(Duplicates(), ("Yes.", "Ndiyo."), ("Yes.", "Naam."))
    assert not _similar(Duplicates(), ("a", "b c"), ("a b", "c"))


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**64 - 1), st.booleans())),
    st.integers(1, 7),
)
def test_the_first_of_each_is_kept(rows: list[tuple[int, bool]], partition_rows: int) -> None:
    """Compared with a set, for any number of partitions."""
    few = [(value % 11 * (2**64 // 11), alive) for value, alive in rows]
    for chosen in (rows, few):
        column = np.array([value for value, _ in chosen], np.uint64)
        alive = np.array([flag for _, flag in chosen], np.bool_)
        seen: set[int] = set()
        expected = []
        for value, flag in chosen:
            expected.append(flag and value not in seen)
            if flag:
                seen.add(value)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(duplicates, "_PARTITION_ROWS", partition_rows)
            assert first_of_each(column, alive).tolist() == expected


def test_small_changes_are_near_duplicates() -> None:
    cleaner = NearDuplicates(0.7)
    for other in (
        SENTENCE.upper(),
        SENTENCE.replace(" ", "  ").replace(".", " !"),
        SENTENCE.replace("writes", "wrote"),
    ):
        assert _similar(cleaner, (SENTENCE,), (other,))
    assert not _similar(cleaner, (SENTENCE,), ("An entirely different sentence about cats.",))


def test_short_rows_are_near_duplicates_only_if_they_are_equal() -> None:
    cleaner = NearDuplicates(0.8)
    assert _similar(cleaner, ("Yes!",), ("yes",))
    assert not _similar(cleaner, ("Yes!",), ("Yet!",))
    assert not _similar(cleaner, ("...",), ("---",))


def test_both_sides_of_a_pair_count() -> None:
    cleaner = NearDuplicates(0.8)
    other = "Katika mji huu kuna shule nyingi nzuri kwa watoto wote wa rika mbalimbali na walimu."
    assert _similar(cleaner, (SENTENCE, other), (f"{SENTENCE}!", other.lower()))
    assert not _similar(cleaner, (SENTENCE, other), (SENTENCE, "Tafsiri nyingine kabisa hapa."))


@pytest.mark.parametrize("similarity", [0.5, 0.7, 0.8, 0.9])
def test_half_of_the_rows_of_the_similarity_are_found(similarity: float) -> None:
    """Sets of random runs with a known Jaccard similarity, below, at and above the setting."""
    bands, values = bands_for(similarity)
    assert bands * values <= 128

    def found(s: float) -> float:
        return 1 - (1 - s**values) ** bands

    assert abs(found(similarity) - 0.5) < 0.12
    assert found(similarity - 0.2) < 0.2
    assert found(min(1.0, similarity + 0.1)) > 0.85


def test_signatures_find_what_the_formula_says() -> None:
    draw = random.Random(1)
    cleaner, cleaner_rows = NearDuplicates(0.8), []
    for _ in range(300):
        letters = draw.choices("abcdefghijklmnopqrstuvwxyz", k=400)
        changed = letters.copy()
        for place in range(20, 400, 100):
            changed[place] = "0"
        cleaner_rows += [("".join(letters),), ("".join(changed),)]
    hashes = cleaner.hashes(cleaner_rows)
    found = (hashes[:, ::2] == hashes[:, 1::2]).any(axis=0).mean()
    # 20 of 396 runs differ: a similarity of 376 / 416 = 0.90.
    bands, values = bands_for(0.8)
    assert found == pytest.approx(1 - (1 - (376 / 416) ** values) ** bands, abs=0.06)


def test_hashes_do_not_depend_on_the_other_rows() -> None:
    rows = [(f"{SENTENCE} {number}",) for number in range(2500)]
    cleaner = NearDuplicates(0.8)
    together = cleaner.hashes(rows)
    assert together.shape == (cleaner.columns, 2500)
    assert (together[:, 2100:2110] == cleaner.hashes(rows[2100:2110])).all()
    assert cleaner.hashes([]).shape == (cleaner.columns, 0)


def test_hashes_are_the_same_everywhere() -> None:
    """A changed value would keep old artifacts next to new ones: then increase the version."""
    assert hex(int(Duplicates().hashes([("Habari",)])[0, 0])) == "0xa87aca518d7b9416"
    assert hex(int(NearDuplicates(0.8).hashes([(SENTENCE,)])[0, 0])) == "0x8682c7c85a85a25b"


def test_long_rows_do_not_fill_the_memory() -> None:
    """A thousand rows of 30 KB took 80 bytes for each of their characters."""
    rows = [("x" * 300_000, "y" * 10_000)] * 8 + [("a", "b")] * 2100
    batches = list(duplicates._batches(rows))
    assert [row for batch in batches for row in batch] == rows
    assert [len(batch) for batch in batches] == [4, 4, 1000, 1000, 100]
