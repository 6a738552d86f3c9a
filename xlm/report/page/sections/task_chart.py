"""The chart of accuracies: bars with intervals by language, and marks for the paper's rows.

Without a sweep, the bars are those of the published model, with Wilson's intervals of its rows.
With one, they are means over seeds, with Student's intervals, for each setting and rule.
"""

from collections.abc import Mapping, Sequence

from xlm.classification.evaluation.intervals import wilson_interval
from xlm.classification.results.paper import MLM_TLM
from xlm.classification.results.records import Results
from xlm.classification.results.seeds import MEAN, Summary
from xlm.classification.results.sweep_tables import group_name, setting_name, sweep_groups
from xlm.classification.results.table import task_name
from xlm.config.languages.names import Names, name_with_code
from xlm.report.page.charts import PALETTE, Bars, bar_chart, label
from xlm.report.page.content import Chart

_PAPER_SYMBOLS = ("diamond", "circle", "square", "triangle-up", "cross", "x", "star", "hexagon")
_MOST_GROUPS = 3
"""Of more groups, the chart at first shows one of each setting."""
_LEGEND_PIXELS = 22


def accuracy_chart(results: Results, names: Names, *, seed: int) -> Chart:
    """A bar for each language and group, with its interval; marks for the paper's rows.

    Args:
        results: with scores of test, or else of dev.
        names: names of the languages that the profile declares.
        seed: of the published model.
    """
    groups = sweep_groups(results)
    split = "test" if any(row.test for row in results.languages) else "dev"
    seeds = max((len(one.by_seed) for found in groups.values() for one in found), default=1)
    if groups:
        bars = [
            _bars_of(group_name(group, groups, results.training_languages), found, results, names)
            for group, found in groups.items()
        ]
        bars = _with_hidden(bars, [setting for setting, _ in groups])
        settings = dict.fromkeys(setting for setting, _ in groups)
    else:
        bars = [_published(results, names, split, seed)]
        settings = {"zero-shot": None}
    chance = 100 / max(len(results.labels), 1)
    averaged = f"mean of {seeds} seeds, " if seeds > 1 else ""
    interval = f"{100 * results.confidence:g} % intervals" + (" over seeds" if seeds > 1 else "")
    title = (
        f"{task_name(results.task or '')}: accuracy in {split}, {averaged}with {interval}; dashed: "
        f"chance, {chance:.1f}"
    )
    chart = bar_chart(title, bars, unit="correct rows, per cent")
    codes = [row.code for row in results.languages if row.test]
    marks = _paper_marks(
        results, codes, names,
        shown=[f"{one}, XLM MLM+TLM" for one in settings],
        colours=[*PALETTE[len(bars) :], *PALETTE],
    )  # fmt: skip
    layout = {
        **chart.layout,
        "showlegend": len(bars) + len(marks) > 1,
        "xaxis": {"title": {"text": "correct rows, per cent"}, "range": [0, 100]},
        "shapes": [
            {
                "type": "line", "x0": chance, "x1": chance, "y0": 0, "y1": 1, "yref": "paper",
                "line": {"dash": "dash", "width": 1.5},
            }
        ],
    }  # fmt: skip
    legend = _LEGEND_PIXELS * (len(marks) + len(bars) - 1)
    return Chart(chart.title, chart.summary, [*chart.traces, *marks], layout, chart.height + legend)


def paper_rows(results: Results) -> dict[str, dict[str, float]]:
    """The paper's rows, the one that a zero-shot run is compared with first."""
    rows = results.published_row
    return {title: rows[title] for title in sorted(rows, key=lambda name: name != MLM_TLM)}


def _published(results: Results, names: Names, split: str, seed: int) -> Bars:
    setting = setting_name("zero-shot", results.training_languages)
    found = {
        name_with_code(row.code, names): scores
        for row in results.languages
        if (scores := row.test if split == "test" else row.dev)
    }
    return Bars(
        f"{setting}, seed {seed}",
        {name: 100 * one.right / max(one.total, 1) for name, one in found.items()},
        low={name: 100 * one.low for name, one in found.items()},
        high={name: 100 * one.high for name, one in found.items()},
    )


def _bars_of(title: str, found: Sequence[Summary], results: Results, names: Names) -> Bars:
    shown = {name_with_code(one.language, names): one for one in found if one.language != MEAN}
    bounds = {name: _bounds(one, results.confidence) for name, one in shown.items()}
    return Bars(
        title,
        {name: 100 * one.mean for name, one in shown.items()},
        low={name: 100 * low for name, (low, _) in bounds.items()},
        high={name: 100 * high for name, (_, high) in bounds.items()},
    )


def _bounds(summary: Summary, confidence: float) -> tuple[float, float]:
    """The interval over seeds, or with one seed that of the test rows."""
    if summary.low is not None and summary.high is not None:
        return summary.low, summary.high
    return wilson_interval(round(summary.mean * summary.n), summary.n, confidence)


def _paper_marks(
    results: Results,
    languages: Sequence[str],
    names: Names,
    *,
    shown: Sequence[str],
    colours: Sequence[str],
) -> list[dict[str, object]]:
    """A mark for each language of each row of the paper; a click on the legend shows the others."""
    marks: list[dict[str, object]] = []
    for number, (title, values) in enumerate(paper_rows(results).items()):
        known = [code for code in languages if code in values]
        if known:
            marks.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": f"paper: {title}",
                    "x": [100 * values[code] for code in known],
                    "y": [label(name_with_code(code, names)) for code in known],
                    "marker": {
                        "symbol": _PAPER_SYMBOLS[number % len(_PAPER_SYMBOLS)],
                        "color": colours[number % len(colours)],
                        "size": 9,
                        "line": {"width": 1},
                    },
                    "visible": True if title in shown else "legendonly",
                    "hovertemplate": f"%{{y}}: %{{x:.1f}}<extra>paper: {label(title)}</extra>",
                }
            )
    return marks


def _with_hidden(bars: Sequence[Bars], settings: Sequence[str]) -> list[Bars]:
    """Hide all groups but the last of each setting, which selects as the paper did, if many."""
    if len(bars) <= _MOST_GROUPS:
        return list(bars)
    last: Mapping[str, int] = {setting: number for number, setting in enumerate(settings)}
    return [
        Bars(one.title, one.values, one.low, one.high, is_hidden=last[setting] != number)
        for number, (one, setting) in enumerate(zip(bars, settings, strict=True))
    ]
