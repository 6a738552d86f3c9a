"""The slices of the user's own text and pairs, and the checks of local files before a run."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from xlm.config.data.corpora import OpusCorpus, PlainCorpus
from xlm.config.data.downloads import PairPart, part_of
from xlm.config.data.own.files import SourceFile, is_url
from xlm.config.data.own.pairs import MosesZipPair, OwnPair, TextPair, TsvPair
from xlm.config.data.own.parts import Part
from xlm.config.data.own.text import OwnText
from xlm.config.languages.declared import Languages
from xlm.config.languages.pairs import split_pair
from xlm.config.pipeline import PipelineConfig, pairs, text_languages
from xlm.config.training.release import OwnSourceFacts
from xlm.corpus.local_files import find_files, part_files
from xlm.errors import ConfigError


def text_part(source: OwnText) -> Part:
    """The slice of one source of a language, with the digests of its local files.

    Raises:
        ConfigError: a local file does not exist, cannot be read, or is empty.
    """
    files = part_files(source.files, _setting(source))
    return _text_format(source).model_copy(update={"sides": (files,)})


def pair_parts(config: PipelineConfig, pair: str) -> tuple[PairPart | Part, ...]:
    """The corpora of a pair, in the order in which they are joined.

    Raises:
        ConfigError: a local file does not exist, cannot be read, or is empty; or the languages have
            different numbers of files.
    """
    return tuple(
        part_of(corpus, pair, config.table)
        if isinstance(corpus, OpusCorpus | PlainCorpus)
        else _pair_part(corpus, config.table)
        for corpus in config.sources.corpora_of(pair)
    )


def own_sources(config: PipelineConfig) -> tuple[OwnSourceFacts, ...]:
    """What the card states about own text and pairs.

    Raises:
        ConfigError: a local file does not exist.
    """
    used: list[OwnText | OwnPair] = [
        source for code in text_languages(config) for source in config.sources.own_text(code)
    ]
    for pair in pairs(config):
        used += [one for one in config.sources.corpora_of(pair) if isinstance(one, OwnPair)]
    found = []
    for source in used:
        of = source.pair if isinstance(source, OwnPair) else source.language
        facts = OwnSourceFacts(
            unit=f"{source.name}.{of}",
            name=source.title or f"{source.name} ({of})",
            licence=source.licence,
            is_text=not isinstance(source, OwnPair),
        )
        if local := list(_local_files(source.files, _setting(source))):
            size_bytes = sum(path.stat().st_size for path in local)
            found.append(facts.model_copy(update={"size_bytes": size_bytes}))
        for file in source.files:
            if file.download:
                found.append(facts.model_copy(update={"unit": file.download}))
    return tuple(found)


def require_own_text(config: PipelineConfig) -> None:
    """Check the first lines of the local files of own text: `Stage.require` of extract-text.

    Raises:
        ConfigError: a file does not exist, or is empty.
        DataError: a file has no such column, is damaged, is not UTF-8, or has no text.
    """
    from xlm.corpus.tables.probe import probe_rows

    for code in config.languages:
        for source in config.sources.own_text(code):
            for path in _local_files(source.files, _setting(source)):
                probe_rows(_text_format(source), path, (code,), config.sources.max_bad_lines)


def require_own_pairs(config: PipelineConfig) -> None:
    """Check the first lines of the local files of own pairs: `Stage.require` of extract-parallel.

    Raises:
        ConfigError: a file does not exist, or is empty.
        DataError: a file has no such column or member, is damaged, is not UTF-8, or has no text.
    """
    from xlm.corpus.parallel.aligned import probe_zip
    from xlm.corpus.tables.probe import probe_rows

    max_bad_lines = config.sources.max_bad_lines
    for pair in pairs(config):
        for source in config.sources.corpora_of(pair):
            if isinstance(source, OpusCorpus | PlainCorpus):
                continue
            part, setting = _pair_format(source, config.table), _setting(source)
            if isinstance(source, TextPair):
                for code, side in zip(split_pair(pair), source.sides, strict=True):
                    for path in _local_files(side, setting):
                        probe_rows(part, path, (code,), max_bad_lines)
            else:
                for path in _local_files(source.files, setting):
                    if part.kind == "moses_zip":
                        probe_zip(path, part.codes)
                    else:
                        probe_rows(part, path, split_pair(pair), max_bad_lines)


def _local_files(files: Sequence[SourceFile], setting: str) -> Iterator[Path]:
    for file in files:
        if not is_url(file.location):
            yield from find_files(file.location, setting)


def _text_format(source: OwnText) -> Part:
    """The slice of a source without its files."""
    return Part(
        kind=source.kind,
        columns=(source.column,),
        header=source.kind == "tsv" and (source.header or isinstance(source.column, str)),
        name=source.name,
    )


def _pair_format(source: OwnPair, table: Languages) -> Part:
    """The slice of a source without its files."""
    languages = split_pair(source.pair)
    part = Part(kind=source.kind, name=source.name)
    if isinstance(source, TsvPair):
        header = source.header or any(isinstance(one, str) for one in source.columns)
        return part.model_copy(update={"columns": source.columns, "header": header})
    if isinstance(source, MosesZipPair):
        codes = tuple(tuple(dict.fromkeys((code, *table[code].opus))) for code in languages)
        return part.model_copy(update={"codes": codes})
    if isinstance(source, TextPair):
        return part
    columns = tuple(source.columns[code] for code in languages) if source.columns else ()
    return part.model_copy(update={"columns": columns})


def _pair_part(source: OwnPair, table: Languages) -> Part:
    setting = _setting(source)
    sides = tuple(part_files(side, setting) for side in source.sides)
    if len({len(side) for side in sides}) > 1:
        counts = " and ".join(
            f"{code} has {len(side):,}"
            for code, side in zip(split_pair(source.pair), sides, strict=True)
        )
        raise ConfigError(
            f"{setting}: different numbers of files: {counts}",
            fix="file i of one language must translate file i of the other",
        )
    return _pair_format(source, table).model_copy(update={"sides": sides})


def _setting(source: OwnText | OwnPair) -> str:
    """The name of a source in errors."""
    if isinstance(source, OwnPair):
        return f"sources.parallel: {source.name} of {source.pair}"
    return f"sources.text: {source.name} of {source.language}"
