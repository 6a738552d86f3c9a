"""The publish stage: model folders for `transformers`, with model cards and plots."""

from collections.abc import Mapping
from pathlib import Path

from xlm.bpe.vocabulary import Vocabulary, load_vocabulary
from xlm.config.training.release import (
    CLASSIFIER_FOLDER,
    MASKED_LM_FOLDER,
    REVISIONS_FOLDER,
    PublishSlice,
    revision_name,
)
from xlm.display.plotting import Style
from xlm.engine.stage import StageContext, StageResult
from xlm.inference.rules import TokenizationRules
from xlm.model.formats.hugging_face.folder import write_classifier, write_masked_lm
from xlm.model.formats.ours import load_classifier, load_encoder
from xlm.release.card.facts import RunFacts
from xlm.release.card.render import render_card, render_revision_card
from xlm.release.dataset.data_card import DATA_CARD_NAME, render_data_card
from xlm.release.dataset.read import read_dataset_facts
from xlm.release.fertility import FERTILITY_NAME
from xlm.release.figures.draw import ACCURACY_NAME, TRAINING_NAME, Figure, draw_figure
from xlm.release.read_facts import CODES_NAME, read_facts
from xlm.release.tokenizer import write_tokenizer
from xlm.training.revisions import kept_revisions

_CARD_NAME = "README.md"


def publish(
    context: StageContext[PublishSlice],
    *,
    finetuned: Path | None,
    sources: Mapping[str, Path],
    data: Mapping[str, Path],
    labelled: Mapping[str, Path],
    cleaned: Mapping[str, Path],
) -> StageResult:
    """Write the folders; the counts are parameters, weight bytes and vocabulary size.

    Args:
        finetuned: artifact directory of the selected fine-tuned model, of which only the manifest
            is read; None without a classifier.
        sources: directories of the downloads, by unit.
        data: directories of the shards, by language or pair.
        labelled: directories of the shards with labelled rows, by unit.
        cleaned: directories of stage clean, by language or pair.

    Raises:
        DataError: weights, merges, vocabulary or results do not match each other.
        TrainingError: the model was trained with another vocabulary.
    """
    inputs = context.inputs
    facts = read_facts(
        {**inputs, **({"finetune": finetuned} if finetuned else {})},
        sources=sources,
        data=data,
        release=context.config.release,
        synthetic=context.config.synthetic,
        segmenters=context.config.segmenters,
        names=context.config.names,
        cased=context.config.cased,
        own_sources=context.config.own_sources,
        task=context.config.task,
        cleaned=cleaned,
        citations=context.config.citations,
    )
    vocabulary = load_vocabulary(inputs["vocabulary"])
    facts.description.require_vocabulary(vocabulary.hash, "the vocabulary artifact")
    vocabulary.require_codes_hash(inputs["learn-bpe"] / CODES_NAME)
    data_facts = read_dataset_facts(
        context.config,
        sources=sources,
        units={**data, **labelled},
        cleaned=cleaned,
        objectives=facts.trained,
        alpha=facts.pretrain.language_alpha,
        vocabulary=vocabulary,
    )
    encoder = load_encoder(inputs["pretrain"])
    written = {MASKED_LM_FOLDER: write_masked_lm(context.out / MASKED_LM_FOLDER, encoder)}
    if "select" in inputs:
        classifier = load_classifier(inputs["select"])
        written[CLASSIFIER_FOLDER] = write_classifier(context.out / CLASSIFIER_FOLDER, classifier)
    for name, counts in written.items():
        folder = context.out / name
        _write_tokenizer(folder, context, facts, vocabulary)
        is_classifier = name == CLASSIFIER_FOLDER
        card = render_card(facts, classifier=is_classifier, parameters=counts["parameters"])
        (folder / _CARD_NAME).write_bytes(card.encode())
        about = data_facts if is_classifier else data_facts.for_pretraining
        (folder / DATA_CARD_NAME).write_bytes(render_data_card(about).encode())
    _draw_figures(context, facts)
    totals = {
        f"{name}.{count}": value
        for name, counts in written.items()
        for count, value in counts.items()
    }
    if revisions := _write_revisions(context, facts, vocabulary):
        totals["revisions"] = revisions
    return StageResult(counts={**totals, "vocabulary": vocabulary.size})


def _write_tokenizer(
    folder: Path, context: StageContext[PublishSlice], facts: RunFacts, vocabulary: Vocabulary
) -> None:
    write_tokenizer(
        folder,
        tokens=vocabulary.tokens,
        merges=(context.inputs["learn-bpe"] / CODES_NAME).read_bytes(),
        languages=facts.description.languages,
        positions=facts.description.model.max_positions,
        rules=TokenizationRules(
            context.config.segmenter_names, context.config.moses_languages, facts.cased
        ),
    )


def _write_revisions(
    context: StageContext[PublishSlice], facts: RunFacts, vocabulary: Vocabulary
) -> int:
    """Write the language model after each of the earlier updates; returns the number of models."""
    kept = kept_revisions(context.inputs["pretrain"])
    for number, (update, file) in enumerate(kept.items(), start=1):
        folder = context.out / REVISIONS_FOLDER / revision_name(update)
        write_masked_lm(folder, load_encoder(context.inputs["pretrain"], file))
        _write_tokenizer(folder, context, facts, vocabulary)
        (folder / _CARD_NAME).write_bytes(render_revision_card(facts, update).encode())
        context.progress.update(number, len(kept), "revisions")
    return len(kept)


def _draw_figures(context: StageContext[PublishSlice], facts: RunFacts) -> None:
    style = Style(context.config.release.dots_per_inch)
    classifier, masked_lm = context.out / CLASSIFIER_FOLDER, context.out / MASKED_LM_FOLDER
    training = Figure("training", masked_lm / TRAINING_NAME, facts, style)
    figures = [] if facts.is_copied else [training]
    if facts.finetune:
        figures.append(Figure("accuracy", classifier / ACCURACY_NAME, facts, style))
    shared = [figure.path.name for figure in figures if figure.kind == "training"]
    if facts.vocabulary:
        figures.append(Figure("fertility", masked_lm / FERTILITY_NAME, facts, style))
        shared.append(FERTILITY_NAME)
    for number, _ in enumerate(context.mapper.map(draw_figure, figures), start=1):
        context.progress.update(number, len(figures), "figures")
    for name in shared if facts.finetune else ():
        (classifier / name).write_bytes((masked_lm / name).read_bytes())
