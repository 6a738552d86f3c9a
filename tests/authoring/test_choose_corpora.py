"""Parallel corpora are chosen by kind and within the budget."""

import pytest

from xlm.authoring.choose_corpora import _OVERLAPPING, choose_corpora
from xlm.config.languages.declared import TABLE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def choose(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return lambda codes, budget: choose_corpora(cache, codes.split(), TABLE, budget)


@pytest.mark.parametrize("codes", ["en sw yo", "fr wo", "de en fr", "bn hi ta"])
@pytest.mark.parametrize("budget", [10**6, 10**8, 10**10])
def test_the_files_fit_into_the_budget_and_the_best_kinds_come_first(choose, codes, budget):
    choice = choose(codes, budget)
    assert choice.size_bytes <= budget
    kinds = list(dict.fromkeys(one.kind for one in choice.corpora))
    assert kinds == [
        kind for kind in ("translated", "subtitles", "religious", "web") if kind in kinds
    ]
    for pair in choice.pairs:
        names = {one.corpus for one in choice.corpora if pair in one.files}
        assert all(len(names & group) <= 1 for group in _OVERLAPPING)


def test_a_larger_budget_adds_text(choose):
    sizes = [choose("en sw yo", budget).size_bytes for budget in (10**6, 10**8, 10**10)]
    assert sizes == sorted(set(sizes))
    assert not choose("en sw yo", 10**10).too_large


def test_with_english_the_pairs_are_english_and_the_others(choose):
    assert choose("en sw yo", 10**8).pairs == ("en-sw", "en-yo")


def test_without_english_the_languages_are_paired_with_each_other(choose):
    assert choose("fr sw yo", 10**8).pairs == ("fr-sw", "fr-yo", "sw-yo")


def test_a_language_without_english_text_is_paired_with_the_others(choose):
    choice = choose("de en hsb sw", 10**8)
    assert choice.pairs == ("de-en", "de-hsb", "en-hsb", "en-sw")
    assert not choice.without_text


def test_a_corpus_of_a_few_lines_is_not_worth_a_pair(choose):
    assert "th-yue" not in choose("th yue zh", 10**8).pairs


def test_one_pair_without_text_is_named(choose):
    choice = choose("ann en sw", 10**8)
    assert choice.pairs == ("en-sw",)
    assert choice.without_text == ("ann-en",)
