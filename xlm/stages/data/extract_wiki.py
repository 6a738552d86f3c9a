"""Stage extract-wiki: convert a Wikipedia dump to documents and to lines of plain text."""

from collections.abc import Mapping, Sequence

from xlm.config.data.extract import ExtractWikiSlice
from xlm.config.data.sources import WIKIPEDIA_ID
from xlm.config.pipeline import PipelineConfig, text_languages
from xlm.engine.stage import Node, Stage, StageContext, StageResult

DUMP = "dump"


def _units(config: PipelineConfig) -> Sequence[str]:
    """One unit for each language with a Wikipedia."""
    return config.sources.wikipedias(text_languages(config), config.table)


def _slice(config: PipelineConfig, unit: str) -> ExtractWikiSlice:
    """The settings of extraction and the language of the unit."""
    return ExtractWikiSlice(language=unit, **config.extract.model_dump())


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {DUMP: Node("download", f"{WIKIPEDIA_ID}.{unit}")}


def run(context: StageContext[ExtractWikiSlice]) -> StageResult:
    """Write `documents.jsonl` (id, title, url, text) and `text.txt` (XLM's lines)."""
    from xlm.corpus.wikipedia.extract import extract_wikipedia

    return extract_wikipedia(context, context.inputs[DUMP])


EXTRACT_WIKI = Stage(
    name="extract-wiki",
    version=3,
    summary="convert wikitext to text with wikiextractor",
    units=_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    tools=("wikiextractor",),
)
