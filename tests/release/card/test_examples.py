"""Example sentences of cards, and the packages that their code needs."""

from xlm.release.card.examples import example_of, packages_note


def test_a_language_without_example_has_the_english_one() -> None:
    assert example_of("yo") == example_of("en")


def test_languages_that_only_our_tokenizer_segments_are_named() -> None:
    note = packages_note(("en", "ja", "km", "lo", "zh"), ("ja", "km", "lo", "zh"))
    assert "with `rjieba` for `zh`. For `ja`, `XLMTokenizer` also needs KyTea" in note
    assert "`XLMTokenizer` does not segment `km`, `lo`: split this text into words" in note
    assert "does not segment" not in packages_note(("en", "ja", "th", "zh"), ("ja", "th", "zh"))
