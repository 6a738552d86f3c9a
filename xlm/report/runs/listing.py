"""What `xlm runs` shows of each run: settings, state and headline figures.

for row in run_rows(root): print(row.number, row.name, row.state, row.figures)
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from xlm.display.markdown import format_decimal, format_percent
from xlm.errors import StoreError
from xlm.pipeline.run_lookup import run_number, start_time
from xlm.pipeline.run_record import all_runs, run_state, same_profile
from xlm.store.leases import keys_of
from xlm.store.manifest import read_manifest

_FIGURES = {
    "evaluate": ("test", "perplexity", "retrieval_centred"),
    "pretrain": ("best_validation_perplexity",),
}
"""Counts in the manifests of these stages."""


class RunRow(NamedTuple):
    """One run."""

    number: str
    name: str
    started: str
    """UTC."""
    seconds: float | None
    profile: str
    changes: tuple[str, ...]
    """What the run changed of its profile, as options of `xlm run`."""
    state: str
    nodes: int
    selected: int
    figures: dict[str, float]
    """Means over languages; accuracies are between 0 and 1."""


def run_rows(root: Path, profile: str | None = None) -> Iterator[RunRow]:
    """Yield the runs of a store, newest first, of one profile if given."""
    for record in all_runs(root):
        request = record["request"]
        if profile is not None and not same_profile(request["profile"], profile):
            continue
        yield RunRow(
            number=run_number(record),
            name=request["name"] or "",
            started=start_time(record),
            seconds=record.get("seconds"),
            profile=request["profile"],
            changes=_changes(request),
            state=run_state(record, root),
            nodes=_node_count(record, root),
            selected=record["selected"] or len(record["nodes"]),
            figures=_figures(record, root),
        )


def run_table(rows: Sequence[RunRow]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the header and the rows of a table; the changes are the last column."""
    header = (
        "run", "name", "started (UTC)", "state", "nodes", "test", "perplexity", "P@1", "profile",
        "changes",
    )  # fmt: skip
    return header, [_cells(row) for row in rows]


def _cells(row: RunRow) -> tuple[str, ...]:
    figures = row.figures
    perplexity = figures.get("perplexity", figures.get("best_validation_perplexity"))
    is_file = row.profile.endswith((".yaml", ".yml"))
    return (
        row.number,
        row.name,
        row.started[:16],
        row.state,
        f"{row.nodes}/{row.selected}",
        format_percent(figures.get("test")),
        format_decimal(perplexity),
        format_percent(figures.get("retrieval_centred")),
        Path(row.profile).name if is_file else row.profile,
        " ".join(row.changes),
    )


def _node_count(record: Mapping[str, Any], root: Path) -> int:
    """How many artifacts the run has; while it goes on, or if it was killed, from its lease."""
    if record["state"] != "running" or record["lease"] is None:
        return len(record["nodes"])
    found = [root / "artifacts" / stage / key for stage, key in keys_of(root, record["lease"])]
    return sum(path.is_dir() for path in found)


def _changes(request: Mapping[str, Any]) -> tuple[str, ...]:
    found = list(request["overrides"])
    if request["languages"]:
        found.append(f"--languages {','.join(request['languages'])}")
    if first := request.get("first"):  # not in the records of older runs
        found.append(f"--from {first}")
    if request["until"]:
        found.append(f"--until {request['until']}")
    for option in ("only", "refresh"):
        found += [f"--{option} {name}" for name in request[option]]
    return tuple(found)


def _figures(record: Mapping[str, Any], root: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for node in record["nodes"]:
        names = _FIGURES.get(node["stage"], ())
        if not names:
            continue
        try:
            counts = read_manifest(root / node["directory"]).counts
        except StoreError:
            continue  # the artifact was removed
        found |= {
            name: float(counts[name]) for name in names if isinstance(counts.get(name), int | float)
        }
    return found
