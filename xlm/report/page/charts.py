"""Charts of plotly as plain data: horizontal bars, curves, and bars of time.

    chart = bar_chart("Tokens per word", [Bars("fertility", {"Swahili": 1.4})], unit="tokens")

Only the JavaScript of plotly is needed, and only when the page is written.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from xlm.display.plotting import BLUE, GREEN, ORANGE, Series
from xlm.report.page.content import Chart
from xlm.training.records.plots import thin_out

PALETTE = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00", "#8C6BB1", "#7F7F7F")
"""Okabe and Ito's colours, which have contrast on light and dark pages."""
_BAR_PIXELS, _GROUP_PIXELS, _FRAME_PIXELS = 15, 9, 120
_CURVE_PIXELS = 380
_LONGEST_NAME = 28


@dataclass(frozen=True)
class Bars:
    """One bar for each name."""

    title: str
    values: Mapping[str, float]
    low: Mapping[str, float] | None = None
    """Lower bounds of the intervals by name; with `high`."""
    high: Mapping[str, float] | None = None
    is_hidden: bool = False
    """Whether the bars are shown after a click on the legend only."""


def bar_chart(title: str, groups: Sequence[Bars], *, unit: str, summary: str = "") -> Chart:
    """Horizontal bars, the first name on top; several groups lie next to each other."""
    names = list(dict.fromkeys(name for bars in groups for name in bars.values))
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": label(bars.title),
            "y": [label(name) for name in bars.values],
            "x": list(bars.values.values()),
            "marker": {"color": PALETTE[number % len(PALETTE)]},
            "hovertemplate": f"%{{y}}: %{{x:,.4~g}}<extra>{label(bars.title)}</extra>",
            **({"visible": "legendonly"} if bars.is_hidden else {}),
            **_error_bars(bars),
        }
        for number, bars in enumerate(groups)
    ]
    layout = {
        "barmode": "group",
        "bargap": 0.3,
        "showlegend": len(groups) > 1,
        "xaxis": {"title": {"text": unit}, "rangemode": "tozero"},
        "yaxis": {"autorange": "reversed", "type": "category", "dtick": 1},
    }
    drawn = sum(not bars.is_hidden for bars in groups)
    rows = len(names) * (_BAR_PIXELS * drawn + _GROUP_PIXELS)
    return Chart(
        title, summary or _summary(title, groups, unit), traces, layout, rows + _FRAME_PIXELS
    )


def line_chart(
    title: str, series: Mapping[str, Series], *, unit: str, log: bool = False, bold: str = ""
) -> Chart:
    """Curves over the updates of training.

    Args:
        title: what is drawn.
        series: the curves by name.
        unit: of the values.
        log: whether the axis of the values is logarithmic.
        bold: name of the curve that matters most, such as the mean.
    """
    traces = []
    for number, (name, curve) in enumerate(series.items()):
        shown = thin_out(curve)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if len(shown.values) < 40 else "lines",
                "name": label(name),
                "x": list(shown.updates),
                "y": list(shown.values),
                "line": {
                    "color": PALETTE[number % len(PALETTE)],
                    "width": 4 if name == bold else 1.8,
                    "dash": "solid" if number < len(PALETTE) else "dot",
                },
                "marker": {"size": 5},
                "hovertemplate": f"update %{{x:,}}: %{{y:,.4~g}}<extra>{label(name)}</extra>",
            }
        )
    ends = [f"{name} {one.values[0]:,.4g} to {one.values[-1]:,.4g}" for name, one in series.items()]
    vertical: dict[str, Any] = {"title": {"text": unit}, "exponentformat": "e"}
    if log:
        ticks = _log_ticks([value for one in series.values() for value in one.values])
        texts = [f"{tick:,g}" for tick in ticks]
        vertical |= {"type": "log", "tickvals": ticks, "ticktext": texts}
    layout = {
        "showlegend": len(series) > 1,
        "xaxis": {"title": {"text": "update"}, "rangemode": "tozero"},
        "yaxis": vertical,
    }
    summary = f"Line chart, {unit} over updates: {'; '.join(ends)}."
    # The legend is above the curves.
    legend = 22 * (len(series) // 3) if len(series) > 3 else 0
    return Chart(title, summary, traces, layout, _CURVE_PIXELS + legend)


def label(name: str) -> str:
    """A name that leaves room for the chart on a phone, without the HTML that plotly renders."""
    short = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    return escape(short, quote=False)


def _log_ticks(values: Sequence[float]) -> list[float]:
    """1, 2 and 5 times powers of ten, from below the lowest to above the highest value."""
    known = [value for value in values if value > 0]
    if not known:
        return []
    first, last = math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))
    return [factor * 10.0**power for power in range(first, last + 1) for factor in (1, 2, 5)]


def _error_bars(bars: Bars) -> dict[str, Any]:
    if bars.low is None or bars.high is None:
        return {}
    return {
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [bars.high[name] - value for name, value in bars.values.items()],
            "arrayminus": [value - bars.low[name] for name, value in bars.values.items()],
            "thickness": 1.4,
            "width": 3,
        }
    }


def _summary(title: str, groups: Sequence[Bars], unit: str) -> str:
    parts = []
    for bars in groups:
        if bars.values:
            least = min(bars.values, key=lambda name: bars.values[name])
            most = max(bars.values, key=lambda name: bars.values[name])
            parts.append(
                f"{bars.title} from {bars.values[least]:,.4g} ({least}) "
                f"to {bars.values[most]:,.4g} ({most})"
            )
    return f"Bar chart, {unit}: {'; '.join(parts)}."
