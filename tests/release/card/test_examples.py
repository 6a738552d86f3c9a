"""Example sentences of cards, and the packages that their code needs."""

from xlm.release.card.examples import example_of, packages_note


def test_the_example_is_in_a_language_of_the_model() -> None:
    assert example_of(["de", "en"]).language == "en"
    assert example_of(["luo", "sw", "de"]).language == "sw"


def test_models_of_other_languages_get_an_english_sentence_to_replace() -> None:
    example = example_of(["luo", "yo"])
    assert example.language == "luo"
    assert example.premise == example_of(["en"]).premise
    assert example.remark == "  # replace the sentence below by one in luo"
    assert not example_of(["en"]).remark


def test_languages_that_only_our_tokenizer_segments_are_named() -> None:
    note = packages_note(("en", "ja", "km", "lo", "zh"), ("ja", "km", "lo", "zh"))
    assert "with `rjieba` for `zh`. For `ja`, `XLMTokenizer` also needs KyTea" in note
    assert "`XLMTokenizer` does not segment `km`, `lo`: split this text into words" in note
    assert "does not segment" not in packages_note(("en", "ja", "th", "zh"), ("ja", "th", "zh"))
