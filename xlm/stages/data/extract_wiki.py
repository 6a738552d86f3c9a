"""Stage extract-wiki: convert a Wikipedia dump to lines of plain text."""

from collections.abc import Mapping, Sequence

from xlm.config.data.extract import ExtractWikiSlice
from xlm.config.data.sources import WIKIPEDIA_ID
from xlm.config.pipeline import PipelineConfig, text_languages
from xlm.engine.stage import Node, Stage, StageContext, StageResult
from xlm.store.keys import tool_version

DUMP = "dump"


def _units(config: PipelineConfig) -> Sequence[str]:
    """One unit for each language with a Wikipedia."""
    return config.sources.wikipedias(text_languages(config), config.table)


def _slice(config: PipelineConfig, unit: str) -> ExtractWikiSlice:
    """The settings of extraction and the language of the unit.

    Raises:
        ToolError: the engine is a program that is not installed.
    """
    settings = config.extract
    # The release is in no key of the other engine, which does not need the program.
    program = tool_version(settings.engine) if settings.engine == "wikiextractor" else ""
    return ExtractWikiSlice(language=unit, program=program, **settings.model_dump())


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {DUMP: Node("download", f"{WIKIPEDIA_ID}.{unit}")}


def run(context: StageContext[ExtractWikiSlice]) -> StageResult:
    """Write `text.00000.txt`, ...: XLM's lines."""
    from xlm.corpus.wikipedia.extract import extract_wikipedia

    return extract_wikipedia(context, context.inputs[DUMP])


EXTRACT_WIKI = Stage(
    name="extract-wiki",
    version=4,
    summary="convert wikitext to lines of plain text",
    units=_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    intermediate=True,
    volatile=("documents.*.parquet",),
)
