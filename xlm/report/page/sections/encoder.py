"""The pretrained encoder: perplexity, and retrieval of translations, by language and pair."""

from collections.abc import Iterator

from xlm.classification.results.records import Results, read_results
from xlm.classification.results.tables import modelling_table, pairs_table
from xlm.config.languages.names import Names, name_with_code
from xlm.errors import DataError
from xlm.report.page.charts import Bars, bar_chart
from xlm.report.page.content import Block, DataTable, Note, Section
from xlm.report.page.run_nodes import RunNodes


def encoder_section(nodes: RunNodes, names: Names) -> Section:
    """Perplexity and retrieval; empty without an evaluation."""
    return Section("encoder", "Perplexity and retrieval", list(_encoder(nodes, names)))


def _encoder(nodes: RunNodes, names: Names) -> Iterator[Block]:
    directory = nodes.files("evaluate")
    if directory is None:
        return
    try:
        results = read_results(directory)
    except DataError:
        return  # the section of the task says so
    yield from _retrieval(results, names)
    yield from _perplexity(results, names)
    for table in (modelling_table(results, names), pairs_table(results)):
        if table is not None:
            yield DataTable(*table)


def _retrieval(results: Results, names: Names) -> Iterator[Block]:
    found = {
        name_with_code(row.code, names): row.retrieval for row in results.languages if row.retrieval
    }
    if not found:
        return
    yield Note(
        "P@1: how often the nearest of the held-out sentences is the translation, from a language "
        "to English and from English, or between the two languages of a pair. Raw: the mean of "
        "each language is not subtracted; average of both directions."
    )
    groups = [
        Bars("to English", {name: 100 * one.centred_to_english for name, one in found.items()}),
        Bars("from English", {name: 100 * one.centred_from_english for name, one in found.items()}),
        Bars("raw", {name: 100 * one.raw for name, one in found.items()}),
    ]
    if all(row.is_pair for row in results.languages if row.retrieval):
        groups = [
            Bars("to the first language", groups[0].values),
            Bars("from the first language", groups[1].values),
            groups[2],
        ]
    yield bar_chart("Sentence retrieval", groups, unit="P@1, per cent")


def _perplexity(results: Results, names: Names) -> Iterator[Block]:
    groups = [
        Bars(title, {name: value for name, value in values.items() if value is not None})
        for title, values in (
            (
                "alone",
                {name_with_code(row.code, names): row.perplexity for row in results.languages},
            ),
            (
                "with the translation",
                {name_with_code(row.code, names): row.pair_perplexity for row in results.languages},
            ),
        )
    ]
    if shown := [bars for bars in groups if bars.values]:
        yield Note(
            "Perplexity is per token of the vocabulary, so it is not comparable between languages "
            "or vocabularies."
        )
        yield bar_chart("Perplexity of held-out text", shown, unit="perplexity")
