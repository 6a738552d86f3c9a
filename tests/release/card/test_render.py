"""The model card: metadata, texts, tables and licences."""

import itertools
from dataclasses import replace
from pathlib import Path

import torch
from huggingface_hub import ModelCard
from transformers import XLMWithLMHeadModel

from tests.report.page.runs import results_of_task
from xlm.classification.results.records import LanguageResults
from xlm.model.encoder import Encoder
from xlm.model.formats.description import ModelDescription
from xlm.model.formats.hugging_face.folder import write_masked_lm
from xlm.release.card.facts import DataFacts, MachineFacts, RunFacts, SourceFacts
from xlm.release.card.measured import measured, without_measured
from xlm.release.card.render import render_card


def test_front_matter_is_valid_and_lists_the_results(facts: RunFacts) -> None:
    data = ModelCard(render_card(facts, classifier=True, parameters=1)).data
    assert data.language == ["de", "en", "sw"]
    assert data.license == "cc-by-nc-sa-4.0"
    assert data.pipeline_tag == "text-classification"
    assert data.eval_results is not None
    assert [(r.dataset_config, r.metric_value) for r in data.eval_results] == [
        ("de", 0.69),
        ("en", 0.7),
        ("sw", 0.71),
    ]


def test_the_masked_lm_does_not_inherit_terms_of_fine_tuning_data(facts: RunFacts) -> None:
    card = ModelCard(render_card(facts, classifier=False, parameters=1))
    assert card.data.license == "cc-by-sa-4.0"
    assert card.data.pipeline_tag == "fill-mask"
    assert "MultiNLI" not in card.text
    assert "XNLI, accuracy" not in card.text


def causal_facts(facts: RunFacts) -> RunFacts:
    """The facts of a run with CLM only, and with settings that concern masks."""
    changed = {"objectives": ("clm",), "sample_alpha": 0.0, "predict_specials": False}
    return replace(
        facts,
        description=facts.description.model_copy(update={"causal": True}),
        pretrain=facts.pretrain.model_copy(update=changed),
        trained=("clm",),
    )


def test_the_card_of_a_causal_model_does_not_mention_masks(facts: RunFacts) -> None:
    causal = causal_facts(facts)
    card = ModelCard(render_card(causal, classifier=False, parameters=1))
    assert card.data.pipeline_tag == "text-generation"
    assert card.data.tags is not None
    assert "causal-lm" in card.data.tags
    assert "# xlm-test, causal language model" in card.text
    assert "The model predicts each token from the tokens before it" in card.text
    assert "| CLM batch | 64 streams of 256 tokens |" in card.text
    assert "| predicted tokens | each from the tokens before it (CLM) |" in card.text
    assert "| Wikipedia (Swahili) | BPE merges, vocabulary, CLM |" in card.text
    assert (
        "measured on the tokens of held-out text, each predicted from the tokens before it"
        in card.text
    )
    for masks in ("MLM batch", "masked", "filling", "never predicted"):
        assert masks not in card.text
    tuned = ModelCard(render_card(causal, classifier=True, parameters=1))
    assert tuned.data.pipeline_tag == "text-classification"
    assert "pretrained with causal (CLM) language modeling" in tuned.text
    assert "`generate`" not in tuned.text


def test_generate_of_transformers_appends_a_mask(
    tmp_path: Path, description: ModelDescription
) -> None:
    """The card of a causal model warns about this; if it changes, the warning can go."""
    write_masked_lm(tmp_path, Encoder(description.model_copy(update={"causal": True})))
    model = XLMWithLMHeadModel.from_pretrained(tmp_path)
    prepared = model.prepare_inputs_for_generation(torch.tensor([[1, 20]]))
    assert prepared["input_ids"].tolist() == [[1, 20, model.config.mask_token_id]]


def test_a_source_with_custom_terms_is_listed(facts: RunFacts) -> None:
    custom = replace(facts.sources[0], licence="see its page")
    card = render_card(replace(facts, sources=(custom,)), classifier=False, parameters=1)
    assert ModelCard(card).data.license == "other"
    assert "**custom terms, to be read before use**: see its page" in card


def test_tables_hold_the_figures(facts: RunFacts) -> None:
    card = render_card(facts, classifier=True, parameters=123_456)
    assert "| parameters | 123,456 |" in card
    assert "| English (en) | 70.0 | 70.0 | 65.0 to 75.0 | 33.3 | 41.0 | 75.0 |" in card
    assert "| Swahili (sw) | 14.50 | 8.00 | 80.0 | 70.0 | 55.0 |" in card
    assert "| **all** | 1,600 | 39,000 |" in card
    assert "| Wikipedia (Swahili) | BPE merges, vocabulary, MLM | 142.9 kB | CC-BY-SA-4.0 |" in card
    assert "| tokens seen | 1,000,000 |" in card
    assert "Deviations from XLM" not in card


def test_the_card_of_the_sample_world_names_its_deviations(facts: RunFacts) -> None:
    changed = replace(
        facts,
        synthetic=True,
        finetune=facts.finetune.model_copy(
            update={
                "mix_pretraining": 2,
                "random_language_ids": True,
                "restarts": 3,
                "frozen_layers": 1,
            }
        ),
    )
    card = render_card(changed, classifier=True, parameters=1)
    assert "**This model was trained on synthetic text.**" in card
    assert "**deviates from XLM**: random language ids" in card
    assert "the loss of a pretraining batch added in fine-tuning every 2 updates" in card
    assert "everything below layer 2 frozen during fine-tuning" in card
    assert "dumps.wikimedia.org" not in card
    assert "datasets:" not in card
    assert "random language ids" not in render_card(changed, classifier=False, parameters=1)


def test_deviations_in_pretraining_are_listed(facts: RunFacts) -> None:
    pretrain = facts.pretrain.model_copy(
        update={
            "languages_per_batch": 8,
            "optimizer": facts.pretrain.optimizer.model_copy(
                update={"embedding_learning_rate": 0.02}
            ),
        }
    )
    card = render_card(replace(facts, pretrain=pretrain), classifier=False, parameters=1)
    assert "* a separate learning rate for the token embeddings (0.02)" in card
    assert "* 8 languages in each pretraining batch" in card


def test_a_warm_start_is_listed(facts: RunFacts) -> None:
    card = render_card(replace(facts, warm_start="original 5f0c"), classifier=False, parameters=1)
    assert "* weights initialized from another model (format and sha256: original 5f0c)" in card


def test_amounts_of_training_and_test_data_are_shown(facts: RunFacts) -> None:
    head = replace(facts.sources[0], is_head=True)
    counts = {**facts.counts, "finetune": {"updates": 50, "training_pairs": 20_000}}
    few = replace(facts, sources=(head,), counts=counts)
    card = render_card(few, classifier=True, parameters=1)
    assert "| Wikipedia (German) | BPE merges, vocabulary, MLM | the first 142.9 kB |" in card
    assert "| training rows (English) | 20,000 |" in card
    assert "Pairs per language: 100 in dev, 100 in test." in card
    assert "name: XNLI, the first 100 of 5,010 test pairs" in card
    assert "| German (de) | 12.50 | 8.00 | 80.0 | 70.0 | 55.0 | 50 |" in card
    first = facts.results.languages[0]
    assert first.test is not None
    test = first.test.model_copy(update={"right": 3000, "total": 5010})
    rows = (first.model_copy(update={"test": test}), *facts.results.languages[1:])
    results = facts.results.model_copy(update={"languages": rows})
    card = render_card(replace(few, results=results), classifier=True, parameters=1)
    assert "name: XNLI\n" in card
    assert "100 to 5,010 in test" in card


def test_the_learning_rate_is_the_one_that_was_used(facts: RunFacts) -> None:
    rate = f"{facts.finetune.optimizer.learning_rate:g}"
    card = render_card(facts, classifier=True, parameters=1)
    assert f"| learning rate | {rate}, 500 warm-up" in card
    assert "first try" not in card
    tried = {**facts.counts["finetune"], "learning_rate": 1.25e-6, "collapsed_tries": 1}
    changed = replace(facts, counts={**facts.counts, "finetune": tried})
    card = render_card(changed, classifier=True, parameters=1)
    assert "| learning rate | 1.25e-06, 500 warm-up" in card
    assert f"| first try, which collapsed | learning rate {rate} |" in card


def test_restarts_that_collapsed_are_counted(facts: RunFacts) -> None:
    counts = {**facts.counts["finetune"], "restarts": 3}
    for collapsed, shown in ((0, "3"), (2, "3, of which 2 collapsed")):
        counts["collapsed_restarts"] = collapsed
        changed = replace(facts, counts={**facts.counts, "finetune": counts})
        card = render_card(changed, classifier=True, parameters=1)
        assert f"| runs with different seeds | {shown} |" in card


def test_a_collapse_of_fine_tuning_is_reported(facts: RunFacts) -> None:
    """With `finetune.collapse: report` the pipeline continues after a collapse."""
    warning = "Fine-tuning collapsed"
    assert warning not in render_card(facts, classifier=True, parameters=1)
    results = facts.results.model_copy(update={"collapsed": True})
    assert warning in render_card(replace(facts, results=results), classifier=True, parameters=1)


def test_missing_values_are_dashes_and_missing_results_are_reported(facts: RunFacts) -> None:
    unmeasured = LanguageResults(code="en")
    results = facts.results.model_copy(update={"languages": (unmeasured,), "method": {}})
    bare = replace(facts, results=results, machines={}, data=())
    card = render_card(bare, classifier=True, parameters=1)
    assert "XNLI was not evaluated." in card
    assert "model-index" not in card
    assert "| pretrain | <!--measured-->–<!--/measured-->" in card


def test_cards_of_one_model_are_equal_without_measured_values(facts: RunFacts) -> None:
    slower = replace(facts, machines={"pretrain": MachineFacts(9999.0, 1, 2.0, "other", 64)})
    first, second = (render_card(which, classifier=True, parameters=1) for which in (facts, slower))
    assert first != second
    assert without_measured(first) == without_measured(second)
    other = render_card(
        replace(facts, data=(DataFacts("de", 1, 1),)), classifier=True, parameters=1
    )
    assert without_measured(first) != without_measured(other)
    assert without_measured(f"in {measured('2 s')}") == without_measured(f"in {measured('9 s')}")


def test_an_objective_without_updates_is_not_claimed(facts: RunFacts) -> None:
    """TLM is configured, but the run had no pairs."""
    assert "tlm" in facts.pretrain.objectives
    alone = replace(facts, trained=("mlm",))
    for classifier in (True, False):
        card = ModelCard(render_card(alone, classifier=classifier, parameters=1)).text
        assert "pretrained with masked (MLM) language modeling" in card
        assert "| objectives | MLM |" in card
        assert "| configured but not trained | TLM |" in card
        assert card.count("TLM") == card.count("paper, MLM+TLM") + 1
        assert "translation (TLM)" not in card
    untrained = render_card(replace(facts, trained=()), classifier=False, parameters=1)
    assert "not pretrained (no update was applied)" in untrained


def test_tables_have_no_empty_header_and_no_mean_of_one_row(facts: RunFacts) -> None:
    results = facts.results.model_copy(update={"languages": facts.results.languages[1:2]})
    for found in (facts, replace(facts, results=results)):
        card = render_card(found, classifier=True, parameters=1).split("\n")
        heads = [line for line, rule in itertools.pairwise(card) if rule.startswith("| ---")]
        assert len(heads) > 4
        for head in heads:
            assert all(cell.strip() for cell in head.strip("|").split("|")), head
        assert not [line for line in card if "mean of 1 " in line]


def test_accuracies_on_the_sample_world_are_not_labelled_xnli(facts: RunFacts) -> None:
    results = facts.results.model_copy(update={"task": "synthetic NLI"})
    synthetic = replace(facts, synthetic=True, results=results)
    card = render_card(synthetic, classifier=True, parameters=1)
    assert "### Synthetic NLI, accuracy in per cent" in card
    assert "![Synthetic NLI accuracy by language]" in card
    assert "# xlm-test, synthetic NLI classifier" in card
    assert "### Fine-tuning on synthetic NLI" in card


def test_published_merges_add_their_licence_and_their_purpose(facts: RunFacts) -> None:
    """Their terms apply to the encoder too; merges and vocabulary do not come from the text."""
    url = "https://dl.fbaipublicfiles.com/XLM"
    official = replace(
        facts,
        sources=(
            *facts.sources,
            SourceFacts("xlm.codes", "Codes of XLM-15", f"{url}/c", "CC-BY-NC-4.0", 1_434_601),
            SourceFacts("xlm.vocabulary", "Its words", f"{url}/v", "CC-BY-NC-4.0", 1_548_931),
        ),
    )
    card = render_card(official, classifier=False, parameters=1)
    assert ModelCard(card).data.license == "cc-by-nc-sa-4.0"
    assert f"| Codes of XLM-15 | BPE merges | 1.4 MB | CC-BY-NC-4.0 | <{url}/c> |" in card
    assert f"| Its words | vocabulary | 1.5 MB | CC-BY-NC-4.0 | <{url}/v> |" in card
    assert "| Wikipedia (Swahili) | MLM | 142.9 kB |" in card
    assert "| NTREX-128 | TLM, retrieval | 5.0 kB |" in card
    synthetic = render_card(replace(official, synthetic=True), classifier=False, parameters=1)
    assert "generated all data except the published BPE merges and vocabulary" in synthetic


def test_a_cased_model_and_declared_languages_are_described(facts: RunFacts) -> None:
    plain = render_card(facts, classifier=False, parameters=1)
    assert "tokenization, lower-casing, accent removal, and byte-pair encoding" in plain
    assert "Text is lower-cased and accents are removed." in plain
    cased = render_card(
        replace(facts, cased=True, names={"sw": "Kiswahili"}), classifier=False, parameters=1
    )
    assert "lower-cas" not in cased
    assert "Case and accents are kept." in cased
    assert "English (en), Kiswahili (sw)" in cased


def test_wide_confusion_matrices_are_named_and_not_shown(facts: RunFacts) -> None:
    for size in (8, 9):
        found = results_of_task([f"label{one}" for one in range(size)])
        card = render_card(replace(facts, results=found), classifier=True, parameters=1)
        assert ("predicted label7" in card) == (size == 8)
        assert (
            "matrices of 9 labels are too wide to show: `results.json` of the run's stage evaluate"
            in card
        ) == (size == 9)
