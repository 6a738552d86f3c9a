"""The training data on a card are what trained the model, and not all that the run has."""

from dataclasses import replace

from xlm.release.card.facts import DataFacts, RunFacts
from xlm.release.card.sections.data import data_section
from xlm.release.card.sections.uses import limitations_section

PAIR_ROW, TEXT_ROW, TOTAL = "| de-en | 400 | 9,000 |", "| de | 1,200 | 30,000 |", "| **all** |"


def test_text_and_pairs_trained_a_model_with_both_objectives(facts: RunFacts) -> None:
    section = _squeezed(facts)
    assert PAIR_ROW in section
    assert TEXT_ROW in section
    assert f"{TOTAL} 1,600 | 39,000 |" in section


def test_pairs_are_no_training_data_without_tlm(facts: RunFacts) -> None:
    section = _squeezed(replace(facts, trained=("mlm",)))
    assert PAIR_ROW not in section
    assert f"{TOTAL} 1,200 | 30,000 |" in section
    assert "It did not learn from pairs." in section
    assert "aligned sentences" not in section
    alone = replace(facts, trained=("mlm",), data=facts.data[:1])
    assert "from pairs" not in _squeezed(alone)


def test_text_is_no_training_data_with_tlm_alone(facts: RunFacts) -> None:
    section = _squeezed(replace(facts, trained=("tlm",)))
    assert TEXT_ROW not in section
    assert f"{TOTAL} 400 | 9,000 |" in section
    assert "its Wikipedia" not in section


def test_nothing_here_trained_a_copied_encoder(copied_facts: RunFacts) -> None:
    section = _squeezed(copied_facts)
    assert TOTAL not in section
    assert "The encoder is that of another model" in section
    assert "| Wikipedia (Swahili) | perplexity |" in section
    assert "| NTREX-128 | retrieval |" in section
    data = (*copied_facts.data, DataFacts("sw", 10, 20))
    limits = limitations_section(replace(copied_facts, data=data), classifier=False)
    assert "Training text is uneven" not in limits


def test_an_encoder_without_updates_has_no_training_data(facts: RunFacts) -> None:
    section = _squeezed(replace(facts, trained=()))
    assert TOTAL not in section
    assert "The encoder was not pretrained on any of these sources." in section


def _squeezed(facts: RunFacts) -> str:
    """The section, with one space between the cells of its tables."""
    lines = data_section(facts, classifier=False).splitlines()
    return "\n".join(" ".join(line.split()) for line in lines)
