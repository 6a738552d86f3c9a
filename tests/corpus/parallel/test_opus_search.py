"""The search of the OPUS catalogue."""

import pytest

from xlm.corpus.parallel.opus_catalogue import find_moses
from xlm.corpus.parallel.opus_corpora import KINDS, known_corpus
from xlm.corpus.parallel.opus_search import (
    _release_order,
    opus_codes_in,
    search_pair,
    search_partners,
)

pytestmark = pytest.mark.slow
EN, SW, ZH = ("en", "eng"), ("sw", "swh", "swa"), ("zh", "cmn", "zh_cn", "zh_CN")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_a_pair_is_sorted_by_its_lines_and_independent_of_the_order(cache):
    found = search_pair(cache, (EN, SW))
    sizes = [one.file.pairs or 0 for one in found]
    assert sizes == sorted(sizes, reverse=True)
    assert len({(one.corpus, one.release) for one in found}) == len(found)
    assert found[0].corpus == "CCMatrix"
    assert {one.corpus for one in found} >= {"Tatoeba", "GlobalVoices", "Tanzil"}
    assert search_pair(cache, (SW, EN)) == found


def test_each_found_corpus_is_the_file_that_a_run_downloads(cache):
    for one in search_pair(cache, (EN, ZH)):
        assert find_moses(cache, one.corpus, one.release, (EN, ZH)) == one.file


def test_one_release_of_each_corpus_is_the_newest(cache):
    found = search_pair(cache, (EN, SW))
    newest = {one.corpus: one.release for one in found if one.is_newest}
    assert newest.keys() == {one.corpus for one in found}
    assert len(newest) == sum(one.is_newest for one in found)
    assert (newest["GlobalVoices"], newest["ParaCrawl"]) == ("v2018q4", "v9")
    # A later release has other pairs, but not this one.
    assert newest["MultiCCAligned"] == "v1"


def test_partners_are_sorted_by_their_lines_and_do_not_contain_the_language(cache):
    found = {one.code: one for one in search_partners(cache, SW)}
    assert list(found.values()) == sorted(found.values(), key=lambda one: (-one.pairs, one.code))
    assert not found.keys() & set(SW)
    assert found["fr"].pairs > 1_000_000
    assert found.keys() <= opus_codes_in(cache)


def test_releases_are_ordered_by_their_numbers():
    releases = ["v10", "v2", "v1.10", "v1.9", "v2018q4", "v2017q3", "v2022-03-03", ""]
    ordered = ["", "v1.9", "v1.10", "v2", "v10", "v2017q3", "v2018q4", "v2022-03-03"]
    assert sorted(releases, key=_release_order) == ordered


def test_every_known_corpus_is_in_the_catalogue(cache):
    from xlm.corpus.parallel import opus_corpora

    names = {row["corpus"] for row in _all_corpora(cache)}
    assert {one.name for one in opus_corpora._CORPORA} <= names
    assert all(one.kind in KINDS for one in opus_corpora._CORPORA)
    assert known_corpus("NoSuchCorpus").kind == "unknown"
    assert known_corpus("NoSuchCorpus").licence_text == "see https://opus.nlpl.eu/NoSuchCorpus"


def _all_corpora(cache):
    from xlm.corpus.parallel.opus_search import _rows

    return _rows(cache, "latest = ?", ["True"])
