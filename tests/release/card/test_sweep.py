"""The card of a model that was selected from a sweep."""

from dataclasses import replace

from huggingface_hub import ModelCard

from tests.classification.results.sweeps import (
    SAME,
    sweep_results,
    sweep_rows,
    translated_rows,
)
from xlm.release.card.facts import RunFacts
from xlm.release.card.render import render_card


def test_the_card_says_what_selected_the_model_and_over_how_many_seeds(facts: RunFacts) -> None:
    found = sweep_results([*sweep_rows(), *translated_rows()])
    text = render_card(replace(facts, results=found), classifier=True, parameters=1)
    assert (
        "It is the best of 6 models that were fine-tuned with other learning rates, batch sizes or "
        "seeds (3 seeds). Over 3 seeds, this selection (zero-shot, English/mean dev) reaches 72.0 "
        "in the mean of the languages, with an interval from 67.0 to 77.0. "
    ) in text
    assert "| zero-shot, own dev | 74.0 | 69.0 to 79.0 | 3 |" in text
    assert "| paper: zero-shot, XLM MLM+TLM | 77.4 |  |  |" in text
    assert "Own dev: for each language the best in that language, as in the paper." in text
    folded = text.partition("<details>")[2].partition("</details>")[0]
    assert "**XNLI, sweep: mean dev accuracy in per cent**\n\n| setting | learning rate |" in folded
    card = ModelCard(text)
    assert card.data.eval_results is not None
    assert [one.metric_value for one in card.data.eval_results] == [0.69, 0.70, 0.71]


def test_a_single_model_has_no_words_on_a_sweep(facts: RunFacts) -> None:
    rows = [row for row in sweep_rows([0], SAME) if row.learning_rate == 5e-6]
    text = render_card(replace(facts, results=sweep_results(rows)), classifier=True, parameters=1)
    for absent in ("by setting", "Own dev", "<details>", "It is the best of"):
        assert absent not in text
