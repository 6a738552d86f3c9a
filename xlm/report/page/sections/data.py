"""The data of a run: amounts by language and pair, cleaning, sources with licences, vocabulary."""

from collections.abc import Iterator, Mapping, Set
from typing import Any

from pydantic import ValidationError

from xlm.config.data.own.pairs import OwnPair
from xlm.config.data.own.text import OwnText
from xlm.config.data.tasks import FilesTask
from xlm.config.languages.names import Names, name_with_code
from xlm.config.pipeline import PipelineConfig, pairs, text_languages
from xlm.display.markdown import ABSENT, format_integer, format_size
from xlm.errors import DataError, XlmError
from xlm.release.card.facts import OWN_ROWS
from xlm.release.fertility import fertility_table, read_report
from xlm.release.read_facts import read_cleaning, read_sources
from xlm.report.count_tables import count_table, sum_splits
from xlm.report.page.charts import Bars, bar_chart
from xlm.report.page.content import Block, DataTable, Note, Section, folded
from xlm.report.page.run_nodes import RunNodes

_AMOUNT_STAGES = (
    "shard", "apply-bpe", "tokenize", "split", "clean", "extract-wiki", "extract-text",
    "extract-parallel",
)  # fmt: skip
"""Stages that count the lines of a language, those with tokens first."""
_TRAIN_TOKENS, _TRAIN_LINES = "train_tokens", "train_lines"


def data_section(nodes: RunNodes, names: Names, record: Mapping[str, Any]) -> Section:
    """Amounts by language and pair, what cleaning dropped, and the sources."""
    blocks = [*_amounts(nodes, names), *_cleaning(nodes, names), *_sources(nodes, record)]
    return Section("data", "Data", blocks)


def vocabulary_section(nodes: RunNodes, names: Names) -> Section:
    """How well the shared vocabulary covers each language."""
    return Section("vocabulary", "Vocabulary", list(_vocabulary(nodes, names)))


def _amounts(nodes: RunNodes, names: Names) -> Iterator[Block]:
    stage = next((stage for stage in _AMOUNT_STAGES if nodes.of_stage(stage)), None)
    if stage is None:
        return
    found = {
        _unit_name(node.unit, names): node.manifest.counts
        for node in nodes.of_stage(stage)
        if node.manifest is not None
    }
    for name, unit in ((_TRAIN_TOKENS, "tokens"), (_TRAIN_LINES, "lines")):
        sizes = _sizes(found, name)
        if any(sizes.values()):
            yield bar_chart(
                f"Training data: {unit} by language or pair", [Bars(unit, sizes)], unit=unit
            )
            break
    table = count_table({unit: sum_splits(counts) for unit, counts in found.items()})
    if table.header:
        yield folded(
            DataTable(
                f"Counts of stage {stage}, all splits",
                ("language or pair", *table.header),
                [(unit, *cells) for unit, cells in table.rows.items()],
            )
        )


def _sizes(found: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, float]:
    sizes = {unit: counts.get(name) for unit, counts in found.items()}
    known = {unit: float(size) for unit, size in sizes.items() if isinstance(size, int)}
    return dict(sorted(known.items(), key=lambda item: -item[1]))


def _cleaning(nodes: RunNodes, names: Names) -> Iterator[Block]:
    facts = [
        read_cleaning(node.unit, node.directory)
        for node in nodes.of_stage("clean")
        if node.manifest is not None
    ]
    reasons = list(dict.fromkeys(reason for one in facts for reason in one.dropped))
    if facts:
        header = ("language or pair", "lines", *(one.replace("_", " ") for one in reasons), "kept")
        rows = [
            (
                _unit_name(one.unit, names),
                format_integer(one.lines),
                *(format_integer(one.dropped.get(reason, 0)) for reason in reasons),
                format_integer(one.kept),
            )
            for one in facts
        ]
        title = "Cleaning: lines dropped, by the first reason that applies"
        yield folded(DataTable(title, header, rows))


def _sources(nodes: RunNodes, record: Mapping[str, Any]) -> Iterator[Block]:
    facts = [
        fact
        for node in nodes.of_stage("download")
        if node.manifest is not None
        for fact in read_sources(node.unit, node.directory)
    ]
    rows: list[tuple[str, ...]] = [
        (
            fact.name,
            fact.unit,
            fact.licence,
            ("the first " if fact.is_head else "") + format_size(fact.size_bytes),
            fact.url,
        )
        for fact in facts
    ]
    rows += _own_files(record, {fact.unit for fact in facts})
    if rows:
        header = ("source", "unit", "licence", "size", "URL")
        yield folded(DataTable("Sources and their licences", header, rows, left=5))


def _own_files(record: Mapping[str, Any], downloaded: Set[str]) -> Iterator[tuple[str, ...]]:
    """The user's own files, which no download names."""
    try:
        config = PipelineConfig.model_validate(record.get("config", {}))
    except (XlmError, ValidationError):
        return  # of another version
    used = [
        *((code, config.sources.own_text(code)) for code in text_languages(config)),
        *((pair, config.sources.corpora_of(pair)) for pair in pairs(config)),
    ]
    for unit, sources in used:
        for one in sources:
            name = f"{one.name}.{unit}" if isinstance(one, OwnText | OwnPair) else ""
            if name and name not in downloaded:
                yield one.name, name, one.licence, ABSENT, "local files"
    if isinstance(config.classify, FilesTask):
        yield config.classify.name, OWN_ROWS, config.classify.licence, ABSENT, "local files"


def _vocabulary(nodes: RunNodes, names: Names) -> Iterator[Block]:
    directory = nodes.files("vocabulary")
    if directory is None:
        return
    try:
        report = read_report(directory)
    except DataError as error:
        yield Note(str(error), is_warning=True)
        return
    if (table := fertility_table(report, names)) is None:
        return
    fertility = {name_with_code(code, names): row.fertility for code, row in report.items()}
    yield Note(
        "Tokens per word (fertility) is 1 if no word is split. Languages share entries of the "
        "vocabulary, so their shares add up to more than 100 %."
    )
    yield bar_chart(
        "Tokens per word",
        [Bars("tokens per word", dict(sorted(fertility.items(), key=lambda item: item[1])))],
        unit="tokens per word",
    )
    yield DataTable(*table)


def _unit_name(unit: str, names: Names) -> str:
    """`Swahili (sw)`, or the name of a pair or of a source."""
    return name_with_code(unit, names)
