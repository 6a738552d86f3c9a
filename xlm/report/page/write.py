"""Writes the report of a run: `report.html`, one page with everything that the run has.

    path = write_report(store, record, Path("report.html"))

What the run does not have is left out: the page names it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from xlm.config.languages.names import declared_names
from xlm.errors import XlmError
from xlm.pipeline.run_lookup import run_number, start_time
from xlm.redaction import redact
from xlm.report.page.content import Note, Section
from xlm.report.page.render import render_page
from xlm.report.page.run_nodes import RunNodes
from xlm.report.page.sections.cost import cost_section
from xlm.report.page.sections.data import data_section, vocabulary_section
from xlm.report.page.sections.encoder import encoder_section
from xlm.report.page.sections.stages import stages_section
from xlm.report.page.sections.summary import settings_section, summary_section
from xlm.report.page.sections.task import task_section
from xlm.report.page.sections.training import mixture_section, training_section
from xlm.store.disk.filesystem import write_atomically
from xlm.store.store import ArtifactStore


def write_report(store: ArtifactStore, record: Mapping[str, Any], path: Path) -> None:
    """Write the report of a run.

    Args:
        store: the store of the run.
        record: its record.
        path: the file, which is replaced.

    Raises:
        OSError: the file cannot be written.
    """
    write_atomically(path, report_page(store, record).encode(errors="replace"))


def report_page(store: ArtifactStore, record: Mapping[str, Any]) -> str:
    """Render the report of a run."""
    nodes = RunNodes.of(store, record)
    names = declared_names(record.get("config", {}))
    name = record["request"]["name"]
    title = f"Run {run_number(record) or start_time(record)}{f': {name}' if name else ''}"
    sections = [
        _section("Summary", lambda: summary_section(nodes, record, store.root)),
        _section("Stages", lambda: stages_section(nodes, record)),
        _section("Classification", lambda: task_section(nodes, names)),
        _section("Perplexity and retrieval", lambda: encoder_section(nodes, names)),
        _section("Pretraining", lambda: training_section(nodes, names)),
        _section("Training mixture", lambda: mixture_section(nodes)),
        _section("Vocabulary", lambda: vocabulary_section(nodes, names)),
        _section("Data", lambda: data_section(nodes, names, record)),
        _section("Cost", lambda: cost_section(nodes, record, store.root)),
        _section("Settings", lambda: settings_section(record)),
    ]
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return render_page(title, sections, written=f"{now}, xlm {version('xlm-pipeline')}")


def _section(title: str, build: Callable[[], Section]) -> Section:
    """Build a section; one that reads a damaged file must not hide the others."""
    try:
        return build()
    except (
        XlmError, OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError
    ) as error:  # fmt: skip
        reason = f"This part cannot be shown: {redact(str(error)) or type(error).__name__}"
        return Section(title.lower().replace(" ", "-"), title, [Note(reason, is_warning=True)])
