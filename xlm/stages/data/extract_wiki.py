"""extract-wiki[language]: a Wikipedia dump to documents and to plain lines."""

from collections.abc import Mapping, Sequence

from xlm.config.data.extract import ExtractWikiSlice
from xlm.config.data.sources import WIKIPEDIA_ID
from xlm.config.pipeline import PipelineConfig
from xlm.engine.stage import Node, Stage, StageContext, StageResult

DUMP = "dump"


def extract_wiki_units(config: PipelineConfig) -> Sequence[str]:
    """One unit a language."""
    return config.languages


def extract_wiki_slice(config: PipelineConfig, unit: str) -> ExtractWikiSlice:
    """The extraction's settings and the unit's language."""
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
    summary="wikitext to text with wikiextractor, pages counted",
    units=extract_wiki_units,
    upstream=_upstream,
    slice=extract_wiki_slice,
    run=run,
    tools=("wikiextractor",),
)
