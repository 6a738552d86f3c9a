"""What `xlm status` shows of each build that runs or was stopped.

for row in build_rows(store): print(row.node, row.state, row.progress)
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from xlm.display.markdown import ABSENT, format_duration, format_size
from xlm.report.activity.jobs import job_of
from xlm.report.activity.names import node_of
from xlm.stages.registry import STAGES
from xlm.store.store import ArtifactStore
from xlm.store.stored import tree_bytes
from xlm.store.underway import Build, builds_underway
from xlm.training.launch.job import SPEED_FILE

_TAIL_BYTES = 4096
"""More than a line of `speed.jsonl` has."""


class BuildRow(NamedTuple):
    """One build."""

    node: str
    """`tokenize[sw]`."""
    state: str
    """`running`, or `stopped`: the next run continues it; of a job see `JobFacts.state`."""
    began: str
    """When the newest attempt started, in UTC; empty if it is not known."""
    seconds: float | None
    """Since then, if it runs."""
    place: str
    """The machine that it runs or ran on, or the job: "slurm job 4711 on n[1-2]"."""
    job: str
    """Name of the job of a cluster; empty without one."""
    progress: str
    step: int | None
    """The update or file that is done, of `total`."""
    total: int | None
    key: str
    directory: str
    """The staging folder."""


def build_rows(store: ArtifactStore) -> Iterator[BuildRow]:
    """Yield the builds that have not ended with an artifact: running ones first, by stage."""
    order = {stage.name: place for place, stage in enumerate(STAGES)}
    builds = sorted(
        builds_underway(store),
        key=lambda one: (not one.is_running, order.get(one.stage, len(order)), one.unit or ""),
    )
    for build in builds:
        yield _row(build)


def build_table(rows: Sequence[BuildRow]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the header and the rows of a table."""
    header = ("build", "state", "since (UTC)", "time", "where", "progress", "key")
    return header, [
        (
            row.node,
            row.state,
            row.began[:16].replace("T", " ") or ABSENT,
            format_duration(row.seconds),
            row.place or ABSENT,
            row.progress,
            row.key[:12],
        )
        for row in rows
    ]


def _row(build: Build) -> BuildRow:
    job = job_of(build)
    state = job.state if job else "running" if build.is_running else "stopped"
    began = (_time(job.began) if job else None) or build.began
    speed = _last_record(build.staging.logs / SPEED_FILE)
    step, total = speed.get("step"), speed.get("total")
    is_running = state == "running"
    return BuildRow(
        node=str(node_of(build)),
        state=state,
        began=began.astimezone(UTC).isoformat(timespec="seconds") if began else "",
        seconds=(datetime.now(UTC) - began).total_seconds() if began and is_running else None,
        place=job.place if job else build.host,
        job=job.name if job else "",
        progress=_progress(build, speed, is_running=is_running),
        step=step if isinstance(step, int) else None,
        total=total if isinstance(total, int) else None,
        key=build.key,
        directory=str(build.staging.base),
    )


def _progress(build: Build, speed: Mapping[str, Any], *, is_running: bool) -> str:
    """From `speed.jsonl` of the model stages; of the others, the finished files or the bytes."""
    step, total = speed.get("step"), speed.get("total")
    if isinstance(step, int) and isinstance(total, int):
        line = f"{step:,} of {total:,}"
        if is_running and isinstance(left := speed.get("seconds_left"), int | float):
            line += f", {format_duration(left)} left"
        return line
    records = build.staging.scratch / "records"
    if done := sum(1 for _ in records.glob("*.json")):
        return f"{done:,} files"
    return format_size(tree_bytes(build.staging.base))


def _time(seconds: float | None) -> datetime | None:
    """A time of a record, which may be damaged."""
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    return None


def _last_record(path: Path) -> dict[str, Any]:
    """The last complete line of a file of JSON lines; empty without one."""
    with suppress(OSError, ValueError, RecursionError):
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = file.read().split(b"\n")[:-1]
        record = json.loads(lines[-1]) if lines else None
        return record if isinstance(record, dict) else {}
    return {}
