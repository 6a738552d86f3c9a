"""Tables of few languages, and of runs without XNLI or parallel text."""

import pytest

from tests.release.artifacts import results
from xlm.classification.results.records import LanguageResults, Results
from xlm.classification.results.tables import modelling_table, pairs_table, tables, task_table


def without(found: Results, *fields: str) -> Results:
    rows = tuple(
        LanguageResults(**{k: v for k, v in row.model_dump().items() if k not in fields})
        for row in found.languages
    )
    return found.model_copy(update={"languages": rows})


@pytest.mark.parametrize(
    ("codes", "means"),
    [
        (("en",), []),
        (("sw",), []),
        (("en", "sw"), ["mean of 2"]),
        (("fr", "sw"), ["mean of 2"]),
        (("en", "fr", "sw"), ["mean of 3", "mean of 2 without English"]),
    ],
)
def test_a_mean_is_shown_once_and_of_several_languages(codes: list[str], means: list[str]) -> None:
    """A table had a row "mean of 1 without English"."""
    found = task_table(results(codes))
    assert found is not None
    names = [row[0] for row in found.rows]
    assert names[len(codes) :] == means
    modelling = modelling_table(results(codes))
    assert modelling is not None
    assert [row[0] for row in modelling.rows][len(codes) :] == ["mean"][: len(codes) > 1]


def test_empty_columns_are_left_out() -> None:
    lonely = without(results(["en", "sw"]), "pair_perplexity", "retrieval")
    found = modelling_table(lonely)
    assert found is not None
    assert found.header == ("language", "perplexity")
    untested = without(results(["en", "sw"]), "dev", "test", "majority", "bag_of_words", "paper")
    assert [one.title for one in tables(untested)] == [
        "Pretrained encoder: perplexity and sentence retrieval"
    ]
    assert found.title == "Pretrained encoder: perplexity"
    assert tables(without(lonely, "dev", "test", "perplexity")) == []
    table = task_table(without(results(["sw"]), "paper"))
    assert table is not None
    assert "paper, MLM+TLM" not in table.header
    assert {len(row) for row in table.rows} == {len(table.header)}


def test_the_mean_of_a_baseline_is_of_the_languages_with_a_test_set() -> None:
    """Languages with a dev set only have the baseline of dev."""
    found = results(["en", "sw"])
    only_dev = found.languages[1].model_copy(update={"code": "yo", "test": None, "majority": 0.9})
    table = task_table(found.model_copy(update={"languages": (*found.languages, only_dev)}))
    tested = task_table(found)
    assert table is not None
    assert tested is not None
    column = table.header.index("majority")
    assert table.rows[3][0] == "mean of 3"
    assert table.rows[3][column] == tested.rows[2][column]


def test_pairs_without_english_have_a_table() -> None:
    found = results(["en", "sw"])
    assert pairs_table(found) is None
    measured = found.languages[1]
    row = measured.model_copy(update={"code": "sw-yo", "perplexity": None, "test": None})
    with_pair = found.model_copy(update={"languages": (*found.languages, row)})
    table = pairs_table(with_pair)
    assert table is not None
    assert [line[0] for line in table.rows] == ["sw-yo"]
    assert table.header[:2] == ("pair", "perplexity")
    assert {len(line) for line in table.rows} == {len(table.header)}
    modelling = modelling_table(with_pair)
    assert modelling is not None
    assert modelling == modelling_table(found)
    assert tables(with_pair)[-1] == table
