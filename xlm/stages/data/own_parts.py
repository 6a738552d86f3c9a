"""Turns the settings of own text and pairs into slices, with the digests of local files."""

from xlm.config.data.corpora import OpusCorpus, PlainCorpus
from xlm.config.data.downloads import PairPart, part_of
from xlm.config.data.own.pairs import MosesZipPair, OwnPair, TsvPair
from xlm.config.data.own.parts import Part
from xlm.config.data.own.text import OwnText
from xlm.config.languages.declared import Languages
from xlm.config.languages.pairs import split_pair
from xlm.config.pipeline import PipelineConfig
from xlm.corpus.local_files import part_files


def text_part(source: OwnText) -> Part:
    """The slice of one source of a language.

    Raises:
        ConfigError: a local file does not exist, cannot be read, or is empty.
    """
    return Part(
        kind=source.kind,
        sides=(part_files(source.files, text_setting(source)),),
        columns=(source.column,),
        header=source.kind == "tsv" and (source.header or isinstance(source.column, str)),
        name=source.name,
    )


def pair_parts(config: PipelineConfig, pair: str) -> tuple[PairPart | Part, ...]:
    """The corpora of a pair, in the order in which they are joined.

    Raises:
        ConfigError: a local file does not exist, cannot be read, or is empty.
    """
    return tuple(
        part_of(corpus, pair, config.table)
        if isinstance(corpus, OpusCorpus | PlainCorpus)
        else _own_pair(corpus, config.table)
        for corpus in config.sources.corpora_of(pair)
    )


def _own_pair(source: OwnPair, table: Languages) -> Part:
    languages = split_pair(source.pair)
    columns: tuple[int | str, ...] = ()
    header = False
    codes: tuple[tuple[str, ...], ...] = ()
    if isinstance(source, TsvPair):
        columns = source.columns
        header = source.header or any(isinstance(one, str) for one in columns)
    elif isinstance(source, MosesZipPair):
        codes = tuple(tuple(dict.fromkeys((code, *table[code].opus))) for code in languages)
    elif source.kind != "text":
        columns = tuple(source.columns[code] for code in languages) if source.columns else ()
    setting = pair_setting(source)
    return Part(
        kind=source.kind,
        sides=tuple(part_files(side, setting) for side in source.sides),
        columns=columns,
        header=header,
        codes=codes,
        name=source.name,
    )


def text_setting(source: OwnText) -> str:
    """The name of a source in errors."""
    return f"sources.text: {source.name} of {source.language}"


def pair_setting(source: OwnPair) -> str:
    """The name of a source in errors."""
    return f"sources.parallel: {source.name} of {source.pair}"
