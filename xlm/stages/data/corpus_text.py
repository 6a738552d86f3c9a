"""The text of a language or pair before the split: its nodes, and whether it is cleaned."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from xlm.config.data.translations import in_english
from xlm.config.languages.pairs import ENGLISH
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Node
from xlm.stages.units import (
    corpus_units,
    kind_of_unit,
    languages_of_unit,
    task_languages,
    translated_languages,
)

TEXT = "text"
OWN_TEXT = "own_text"
"""Role of the user's own text, if the language also has a Wikipedia."""


def extracted_text(config: PipelineConfig, unit: str) -> dict[str, Node]:
    """Role to node of the text of a language or pair."""
    if kind_of_unit(unit) == "pair":
        return {TEXT: Node("extract-parallel", unit)}
    stages = ["extract-wiki"] if config.sources.wikipedias((unit,), config.table) else []
    stages += ["extract-text"] if config.sources.own_text(unit) else []
    return {role: Node(stage, unit) for role, stage in zip((TEXT, OWN_TEXT), stages, strict=False)}


def text_folders(inputs: Mapping[str, Path]) -> list[Path]:
    """The folders of the text, in the order in which it is read."""
    return [inputs[role] for role in (TEXT, OWN_TEXT) if role in inputs]


def is_cleaned(config: PipelineConfig, unit: str) -> bool:
    """Whether a cleaner applies to a language or pair."""
    cleaning = config.cleaning
    of_rows = (cleaning.min_characters, cleaning.max_characters, cleaning.language_model)
    return (
        any(one is not None for one in (*of_rows, cleaning.near_duplicates))
        or cleaning.duplicates
        or (cleaning.max_ratio is not None and kind_of_unit(unit) == "pair")
        or bool(tested_languages(config, unit))
    )


def cleaned_units(config: PipelineConfig) -> Sequence[str]:
    """The languages, then pairs, to which a cleaner applies."""
    return tuple(unit for unit in corpus_units(config) if is_cleaned(config, unit))


def tested_rows(config: PipelineConfig, unit: str) -> tuple[str, ...]:
    """The units of the dev and test rows that may not be in the text of a unit.

    For English, these contain the translations of other languages' test rows: `sw-en`.
    """
    languages = tested_languages(config, unit)
    translated = translated_languages(config) if ENGLISH in languages else ()
    return (*languages, *map(in_english, translated))


def tested_languages(config: PipelineConfig, unit: str) -> tuple[str, ...]:
    """The languages of a unit whose dev and test rows may not be in its text."""
    if config.classify is None or not config.cleaning.decontaminate:
        return ()
    tested = [
        code
        for code in task_languages(config)
        if {"valid", "test"}.intersection(config.classify.splits(code))
    ]
    return tuple(code for code in languages_of_unit(unit) if code in tested)
