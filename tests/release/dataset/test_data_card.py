"""The data card: sources with digests, sizes, cleaning, mixture, licences."""

from dataclasses import replace

import pytest

from tests.release.dataset.invented import dataset_facts
from xlm.release.card.measured import without_measured
from xlm.release.dataset.data_card import render_data_card
from xlm.release.dataset.facts import SplitCounts, UnitFacts


def rows_of(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]


def test_sources_have_date_licence_citation_digest_and_url() -> None:
    rows = rows_of(without_measured(render_data_card(dataset_facts())))
    marked = "<!--measured--><!--/measured-->"
    digest = f"`{'ab' * 32}`"
    assert [
        "Wikipedia (Swahili)", "`wikipedia.sw`", marked, "the first 2.0 kB", "CC-BY-SA-4.0", "–",
        digest, "<https://host/sw>",
    ] in rows  # fmt: skip
    assert "<!--measured-->2026-11-28<!--/measured-->" in render_data_card(dataset_facts())


def test_sizes_of_all_splits_what_was_dropped_and_the_mixture() -> None:
    rows = rows_of(render_data_card(dataset_facts()))
    assert ["Swahili (sw)", "train", "100", "1,000", "1.0"] in rows
    assert ["xnli.sw", "test", "40", "400", "0.0"] in rows
    assert ["sw", "120", "111", "9", "0"] in rows
    # Shares of 90 and 10 %, to the power of 0.5: 0.949 and 0.316.
    assert ["English (en)", "90.0", "75.0"] in rows
    assert ["Swahili (sw)", "10.0", "25.0"] in rows
    assert ["en-sw", "100.0", "100.0"] in rows


def test_translated_rows_are_named() -> None:
    facts = dataset_facts()
    assert "translation" not in render_data_card(facts).partition("## Cleaning")[0]
    counts = SplitCounts(40, 300, 0)
    units = (
        *facts.units[:-1],
        UnitFacts("xnli.sw", {"train": counts, "test": counts}),
        UnitFacts("xnli.sw-en", {"test": counts}),
    )
    card = render_data_card(replace(facts, units=units))
    assert ["xnli.sw-en (xnli.sw in English)", "test", "40", "300", "0.0"] in rows_of(card)
    assert "Training rows of XNLI in other languages than English are translations." in card
    assert "Rows such as `xnli.sw-en` are test rows in English translation." in card
    # They are neither a language nor a pair of the mixture.
    assert rows_of(card)[-3:] == rows_of(render_data_card(facts))[-3:]


def test_the_terms_are_those_of_the_sources() -> None:
    facts = dataset_facts()
    card = render_data_card(facts)
    assert "`cc-by-nc-sa-4.0`" in card
    assert "* Conneau et al. 2018: XNLI: " in card
    encoder = render_data_card(facts.for_pretraining)
    assert "`cc-by-sa-4.0`" in encoder
    assert "xnli.sw | test" not in encoder
    assert "Conneau" not in encoder


@pytest.mark.parametrize("synthetic", [False, True])
def test_notes_on_people_are_about_real_text(synthetic: bool) -> None:
    card = render_data_card(replace(dataset_facts(), synthetic=synthetic, cleaning=()))
    assert ("## Personal data" in card) != synthetic
    assert ("This text is synthetic" in card) == synthetic
    assert ("<https://host/sw>" in card) != synthetic
    assert "## Cleaning" not in card


def test_the_command_of_the_run_is_named() -> None:
    command = "xlm run --profile mini15 --until shard"
    assert command in render_data_card(replace(dataset_facts(), rebuild=command))


def test_the_mixture_has_only_what_pretraining_uses() -> None:
    facts = dataset_facts()

    def mixture(*objectives: str) -> tuple[str, list[list[str]]]:
        card = render_data_card(replace(facts, objectives=objectives))
        text = card.partition("## Mixture in pretraining\n")[2].partition("\n## ")[0]
        return text, rows_of(text)[2:]

    text, rows = mixture("mlm")
    assert [row[0] for row in rows] == ["English (en)", "Swahili (sw)"]
    assert "Pretraining does not use the pairs, because it is without TLM." in text
    text, rows = mixture("tlm")
    assert [row[0] for row in rows] == ["en-sw"]
    text, rows = mixture()
    assert (text.strip(), rows) == (
        "Pretraining does not use these data: the encoder is not trained on them.", []
    )  # fmt: skip
    text, rows = mixture("mlm", "tlm")
    assert len(rows) == 3
    assert "without TLM" not in text
