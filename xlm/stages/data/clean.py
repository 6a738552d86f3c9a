"""Stage clean: drop lines and pairs before the split; it has no units unless cleaning is on."""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from xlm.config.data.cleaning import CleanSlice
from xlm.config.data.translations import original_of
from xlm.config.languages.pairs import ENGLISH
from xlm.config.languages.segmenters import is_unspaced
from xlm.config.pipeline import PipelineConfig
from xlm.corpus.cleaning.language_models import (
    model_files,
    model_identity,
    require_package,
)
from xlm.engine.stage import Node, Stage, StageContext, StageResult
from xlm.stages.data.corpus_text import (
    cleaned_units,
    extracted_text,
    tested_languages,
    tested_rows,
    text_folders,
)
from xlm.stages.units import languages_of_unit
from xlm.stages.used_files import used_files
from xlm.store.keys import tool_version

ROWS_ROLE = "rows."
"""Prefix of the input roles of dev and test rows: `rows.sw`, `rows.sw-en`."""
_MINHASH = "rensa"


def _slice(config: PipelineConfig, unit: str) -> CleanSlice:
    """The settings that apply to the unit: a key does not depend on the others.

    Raises:
        ToolError: a package is not installed.
        ConfigError: the model for language identification cannot be read.
    """
    cleaning, languages = config.cleaning, languages_of_unit(unit)
    model = cleaning.language_model
    unspaced = [code for code in tested_languages(config, unit) if is_unspaced(config.table[code])]
    if cleaning.near_duplicates is not None:
        require_package(_MINHASH, "cleaning.near_duplicates")
    return CleanSlice(
        languages=languages,
        min_characters=cleaning.min_characters,
        max_characters=cleaning.max_characters,
        max_ratio=cleaning.max_ratio if len(languages) > 1 else None,
        language_model=model_identity(model) if model else "",
        language_certainty=cleaning.language_certainty if model else None,
        language_names={
            code: tuple(filter(None, dict.fromkeys((code, config.table[code].iso))))
            for code in languages
            if model
        },
        overlap={
            code: cleaning.overlap_characters if code in unspaced else cleaning.overlap_words
            for code in tested_languages(config, unit)
        },
        unspaced=tuple(unspaced),
        duplicates=cleaning.duplicates,
        near_duplicates=cleaning.near_duplicates,
        minhash=(
            f"{_MINHASH} {tool_version(_MINHASH)}" if cleaning.near_duplicates is not None else ""
        ),
        unicode=unicodedata.unidata_version,
        samples=cleaning.samples,
        language_model_path=model or "",
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    stage = (
        "extract-xnli" if config.classify and config.classify.task == "xnli" else "extract-labelled"
    )
    rows = {f"{ROWS_ROLE}{name}": Node(stage, name) for name in tested_rows(config, unit)}
    return extracted_text(config, unit) | rows


def run(context: StageContext[CleanSlice]) -> StageResult:
    """Write the kept lines like the extracted text, and samples of the others."""
    from xlm.corpus.cleaning.clean import clean

    evaluation: dict[str, list[Path]] = {}
    for role, path in sorted(context.inputs.items()):
        if role.startswith(ROWS_ROLE):
            name = role.removeprefix(ROWS_ROLE)
            code = ENGLISH if original_of(name) else name
            evaluation.setdefault(code, []).append(path)
    result = clean(context, text_folders(context.inputs), evaluation)
    model = context.config.language_model_path
    files = model_files(model) if model else []
    return replace(result, sources=used_files(files, "language identification"))


CLEAN = Stage(
    name="clean",
    version=1,
    summary="drop duplicates, lines in other languages and lines of the test rows",
    units=cleaned_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    tools=("pyarrow",),
    intermediate=True,
    volatile=("samples.parquet",),
)
