"""What `xlm store gc` must keep: the artifacts of references, named runs, last runs and imports."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xlm.errors import StoreError
from xlm.pipeline.run_record import all_runs, read_record, record_paths, run_state
from xlm.store.archives.imports import imported_roots
from xlm.store.cleaning.garbage import Needed, Root
from xlm.store.leases import keys_of
from xlm.store.references import References


def needed_artifacts(root: Path, keep_runs: int) -> Needed:
    """Read what must stay.

    Args:
        keep_runs: number of last runs to keep, next to those that have a name or still run.

    Raises:
        StoreError: a reference or a run record is damaged: it is not known what it protects.
    """
    found = {
        Root(stage, reference.key, reference.digest) for stage, reference in References(root).all()
    }
    found |= set(imported_roots(root))
    leases = set()
    for record in kept_runs(root, keep_runs):
        found |= roots_of_run(record, root)
        if record["lease"] is not None:
            leases.add(record["lease"])
    return Needed(frozenset(found), frozenset(leases))


def kept_runs(root: Path, keep_runs: int) -> Iterator[dict[str, Any]]:
    """Yield the last runs, those that have a name, and those that still run.

    Raises:
        StoreError: a run record is damaged.
    """
    for number, path in enumerate(reversed(record_paths(root))):
        try:
            record = read_record(path)
        except StoreError as error:
            raise StoreError(
                f"{error.what}, so it is not known which artifacts it protects", fix="remove it"
            ) from None
        is_named = record["request"]["name"] is not None
        if number < keep_runs or is_named or run_state(record, root) == "running":
            yield record


def runs_with_names(root: Path) -> dict[tuple[str, str], list[str]]:
    """The names of runs by stage and key of what they used."""
    found: dict[tuple[str, str], list[str]] = {}
    for record in all_runs(root):
        if name := record["request"]["name"]:
            for one in roots_of_run(record, root):
                names = found.setdefault((one.stage, one.key), [])
                if name not in names:
                    names.append(name)
    return found


def roots_of_run(record: Mapping[str, Any], root: Path) -> set[Root]:
    """The artifacts of a run: its results, what it used, and what it was building."""
    found = {Root(stage, key) for stage, key in record["held"]}
    if record["state"] == "running" and record["lease"] is not None:
        # The run still goes on, or it was killed and could not write its results.
        found |= {Root(stage, key) for stage, key in keys_of(root, record["lease"])}
    for node in record["nodes"]:
        key = Path(node["directory"]).name.partition(".")[0]
        found.add(Root(node["stage"], key, node.get("digest")))
    return found
