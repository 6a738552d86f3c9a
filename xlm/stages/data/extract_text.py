"""Stage extract-text: write the user's own text of a language as lines of plain text."""

from collections.abc import Mapping, Sequence

from xlm.config.data.own.parts import ExtractTextSlice
from xlm.config.pipeline import PipelineConfig, text_languages
from xlm.engine.stage import Node, Stage, StageContext, StageResult
from xlm.stages.data.own_parts import require_own_text, text_part


def _units(config: PipelineConfig) -> Sequence[str]:
    """One unit for each language with own text."""
    return [code for code in text_languages(config) if config.sources.own_text(code)]


def _slice(config: PipelineConfig, unit: str) -> ExtractTextSlice:
    """The sources of the language, in the order of the configuration."""
    return ExtractTextSlice(
        language=unit,
        parts=tuple(text_part(source) for source in config.sources.own_text(unit)),
        max_bad_lines=config.sources.max_bad_lines,
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    return {name: Node("download", name) for name in config.sources.downloads_of_text(unit)}


def run(context: StageContext[ExtractTextSlice]) -> StageResult:
    """Write `text.txt`, without blank lines."""
    from xlm.corpus.own_text.extract import extract_text

    return extract_text(context)


EXTRACT_TEXT = Stage(
    name="extract-text",
    version=1,
    summary="read your own text from files",
    units=_units,
    upstream=_upstream,
    slice=_slice,
    run=run,
    intermediate=True,
    require=require_own_text,
)
