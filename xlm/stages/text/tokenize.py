"""Stage tokenize: convert lines of text to tokens, lower-case and without accents."""

import logging
import unicodedata
from collections.abc import Mapping

from xlm.config.data.text import TokenizeSlice
from xlm.config.languages.segmenters import split_spec
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import FileJob, Node, Stage, StageContext, StageResult
from xlm.stages.text.split_files import counts_by_split, text_files
from xlm.stages.units import kind_of_unit, languages_of_unit, rows_of_unit, text_units
from xlm.stages.used_files import used_files
from xlm.text.chain import moses_language
from xlm.text.moses.prefixes import missing_prefixes_warning
from xlm.text.segmenters.registry import (
    segmenter_files,
    segmenter_identity,
    spec_with_path,
)

log = logging.getLogger(__name__)


def _slice(config: PipelineConfig, unit: str) -> TokenizeSlice:
    """Only the segmenters of the languages of the unit: the key does not depend on others.

    Raises:
        ToolError: a segmenter is not installed.
    """
    languages = languages_of_unit(unit)
    specs = {
        language: spec_with_path(spec)
        for language, spec in sorted(config.text.segmenters.items())
        if language in languages
    }
    return TokenizeSlice(
        kind=kind_of_unit(unit),
        languages=languages,
        segmenters={language: split_spec(spec)[0] for language, spec in specs.items()},
        segmenter_identities={
            language: segmenter_identity(spec) for language, spec in specs.items()
        },
        unicode=unicodedata.unidata_version if specs else "",
        segmenter_specs=specs,
        moses_languages={
            language: config.table[language].moses
            for language in languages
            if config.table[language].moses != language
        },
        cased=config.text.cased,
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    kind = kind_of_unit(unit)
    if kind in ("mono", "pair"):
        return {"text": Node("split", unit)}
    stage = "extract-xnli" if kind == "xnli" else "extract-labelled"
    return {"text": Node(stage, rows_of_unit(unit))}


def run(context: StageContext[TokenizeSlice]) -> StageResult:
    """Tokenize each input file to a file with the same name."""
    for language in context.config.languages:
        rules = moses_language(language, context.config.moses_languages.get(language, ""))
        choice = f"languages: [{{code: {language}, tokenizer: en}}, ...]"
        warning = missing_prefixes_warning(rules, f"a declaration ({choice})")
        if warning and language not in context.config.segmenters:
            log.warning("%s", warning)
    files = text_files(context.inputs["text"])
    jobs = [
        FileJob(
            name=file.path.name,
            sources=(file.path,),
            targets=(context.out / file.path.name,),
            options={
                "language": file.language or context.config.languages[0],
                "segmenters": context.config.segmenter_specs,
                "moses": context.config.moses_languages,
                "cased": context.config.cased,
                "split": file.split,
                "kind": context.config.kind,
            },
        )
        for file in files
    ]
    counts = context.map_files(_tokenize, jobs)
    return StageResult(
        counts=counts_by_split([file.split for file in files], counts),
        sources=[
            source
            for spec in dict.fromkeys(context.config.segmenter_specs.values())
            for source in used_files(segmenter_files(spec), f"segmenter {split_spec(spec)[0]}")
        ],
    )


def _tokenize(job: FileJob) -> dict[str, int]:
    from xlm.text.tokenize_files import tokenize_labelled, tokenize_text

    (source,), (target,) = job.sources, job.targets
    language, segmenters = job.options["language"], job.options["segmenters"]
    moses, cased = job.options["moses"].get(language, ""), job.options["cased"]
    kind = job.options["kind"]
    if kind in ("mono", "pair"):
        return tokenize_text(
            source, target, language=language, segmenters=segmenters, moses=moses, cased=cased
        )
    return tokenize_labelled(
        source,
        target,
        language=language,
        segmenters=segmenters,
        # MultiNLI and its translations are distributed as Moses tokens.
        already_tokenized=kind == "xnli" and job.options["split"] == "train",
        moses=moses,
        cased=cased,
    )


TOKENIZE = Stage(
    name="tokenize",
    version=2,
    summary="tokenize text: punctuation, Moses rules or segmenter, lower-case, no accents",
    units=text_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    intermediate=True,
    tools=("sacremoses",),
)
