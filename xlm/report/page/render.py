"""Renders the sections of a report as one page of HTML that needs no network.

Everything that the template prints is escaped, and secrets in its URLs are removed: names, paths
and labels come from users.
"""

import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from xlm.redaction import redact
from xlm.report.page.content import Block, Chart, Details, Section

_ASSETS = files("xlm.report.page") / "assets"
_SHADES = 100


def render_page(title: str, sections: Sequence[Section], *, written: str) -> str:
    """Render a page.

    Args:
        title: heading of the page.
        sections: what it shows, in order; those without blocks are left out.
        written: when and by which version.
    """
    shown = [section for section in sections if section.blocks]
    has_charts = any(_has_chart(section.blocks) for section in shown)
    environment = Environment(
        loader=DictLoader({"page": _asset("page.html.jinja")}),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_secrets,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"kind": _kind, "plain": _plain, "shade": _shade}
    return environment.get_template("page").render(
        title=title,
        sections=shown,
        left_out=[section.title for section in sections if not section.blocks],
        written=written,
        style=Markup(_asset("page.css")),
        script=Markup(_asset("page.js")),
        plotly=Markup(get_plotlyjs()) if has_charts else "",
    )


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _kind(block: Block) -> str:
    return type(block).__name__


def _has_chart(blocks: Sequence[Block]) -> bool:
    return any(
        isinstance(block, Chart) or (isinstance(block, Details) and _has_chart(block.blocks))
        for block in blocks
    )


def _without_secrets(value: Any) -> Any:
    return redact(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _plain(value: Any) -> Any:
    """Data for JSON: without secrets, and without numbers that JSON does not have."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _without_secrets(value)


def _shade(count: int, counts: Sequence[int]) -> int:
    """The share of a count in its row, in per cent."""
    return round(_SHADES * count / max(1, sum(counts)))
