"""What pretraining read and how it went: the mixture, and the curves of loss and perplexity."""

from collections.abc import Iterator

from xlm.config.languages.names import Names, name_of
from xlm.dataloader.mixture.figure import mixture_cells
from xlm.dataloader.mixture.preview import MIXTURE_FILE, read_mixture
from xlm.errors import XlmError
from xlm.report.page.charts import Bars, bar_chart, line_chart
from xlm.report.page.content import Block, DataTable, Note, Section, folded
from xlm.report.page.run_nodes import RunNodes
from xlm.report.run_results import encoder_origin
from xlm.training.records.curves import curves_of, mean_series
from xlm.training.records.plots import curve_cells

_MEAN = "mean"


def mixture_section(nodes: RunNodes) -> Section:
    """Expected tokens and repetitions of each language and direction."""
    return Section("mixture", "Training mixture", list(_mixture(nodes)))


def training_section(nodes: RunNodes, names: Names) -> Section:
    """The curves of pretraining."""
    return Section("training", "Pretraining", list(_curves(nodes, names)))


def _mixture(nodes: RunNodes) -> Iterator[Block]:
    directory = nodes.files("pretrain")
    if directory is None or not (directory / MIXTURE_FILE).is_file():
        return
    rows = read_mixture(directory / MIXTURE_FILE)
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: -row.batch_tokens)
    yield Note(
        "Expected tokens of each language and direction in all updates, and how often each token "
        "is seen."
    )
    yield bar_chart(
        "Tokens seen in training",
        [Bars("tokens", {row.task: row.batch_tokens for row in ordered})],
        unit="tokens",
    )
    yield folded(DataTable("Expected training mixture", *mixture_cells(rows)))


def _curves(nodes: RunNodes, names: Names) -> Iterator[Block]:
    directory = nodes.files("pretrain")
    if directory is None:
        return
    try:
        curves = curves_of(directory)
        yield Note(encoder_origin(directory))
    except (XlmError, OSError) as error:
        yield Note(f"The curves cannot be read: {error}", is_warning=True)
        return
    if curves.losses:
        yield line_chart("Training loss", curves.losses, unit="nats per predicted token")
    mean = mean_series(curves.perplexities)
    shown = {name_of(unit, names).replace("_", "-"): s for unit, s in curves.perplexities.items()}
    if mean is not None and len(shown) > 1:
        shown = {_MEAN: mean, **shown}
    if shown:
        yield line_chart(
            "Validation perplexity", shown, unit="perplexity, log scale", log=True, bold=_MEAN
        )
    for title, series, unit in (
        ("Learning rate", curves.learning_rate, "learning rate"),
        ("Gradient norm before clipping", curves.gradient_norm, "norm"),
    ):
        if series is not None:
            yield line_chart(title, {unit: series}, unit=unit)
    yield folded(DataTable("Curves of pretraining", *curve_cells(curves)))
