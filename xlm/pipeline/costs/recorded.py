"""The rates of this machine's earlier runs, from the `run.json` of the artifacts in the store.

    rates = recorded_rates(store)
    rates.get(("tokenize", "zh"))

Each artifact is read once: what it says is kept in the cache of the store.
"""

import json
import platform
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from xlm.pipeline.costs.rates import GIGABYTE, Rate
from xlm.stages.units import kind_of_unit
from xlm.store.disk.filesystem import read_small, write_atomically
from xlm.store.disk.root import is_writable
from xlm.store.manifest import MANIFEST_NAME, RUN_NAME
from xlm.store.store import ArtifactStore

LEAST_BYTES = 32 << 20
"""Less input says little about a large run: the start of processes takes most of its time."""


class Measured(NamedTuple):
    """One build."""

    unit: str
    host: str
    input_bytes: int
    output_bytes: int
    cpu_seconds: float
    memory_bytes: int


def recorded_rates(store: ArtifactStore) -> dict[tuple[str, str], Rate]:
    """The rates of stages on this machine, by stage, and kind of unit or unit."""
    sums: dict[tuple[str, str], list[Measured]] = {}
    for stage, one in measured_builds(store):
        if one.host == platform.node() and one.input_bytes:
            for name in (one.unit, kind_of_unit(one.unit), ""):
                sums.setdefault((stage, name), []).append(one)
    return {name: _rate(builds) for name, builds in sums.items() if _is_enough(builds)}


def _is_enough(builds: list[Measured]) -> bool:
    return sum(one.input_bytes for one in builds) >= LEAST_BYTES


def _rate(builds: list[Measured]) -> Rate:
    total = sum(one.input_bytes for one in builds)
    return Rate(
        output_per_input=sum(one.output_bytes for one in builds) / total,
        cpu_seconds_per_gigabyte=sum(one.cpu_seconds for one in builds) / total * GIGABYTE,
        memory_bytes=max(one.memory_bytes for one in builds),
        origin="recorded",
    )


def measured_builds(store: ArtifactStore) -> Iterator[tuple[str, Measured]]:
    """Yield stage and measurements of every artifact whose measurements can be read."""
    path = store.cache_directory("costs") / "measured.json"
    known = _read_cache(path)
    found: dict[str, list[Any] | None] = {}
    for directory in (store.root / "artifacts").glob("*/*"):
        name = f"{directory.parent.name}/{directory.name}"
        if "." in directory.name.partition(".")[2] or not _is_artifact(directory.name):
            continue
        found[name] = known[name] if name in known else _read(directory)
        if (values := found[name]) is not None:
            yield directory.parent.name, Measured(*values)
    if found.keys() != known.keys() and is_writable(store.root) and store.root.is_dir():
        with suppress(OSError):
            write_atomically(path, json.dumps(found).encode())


def _is_artifact(name: str) -> bool:
    key, _, digest = name.partition(".")
    return all(letter in "0123456789abcdef" for letter in key + digest)


def _read_cache(path: Path) -> dict[str, list[Any] | None]:
    with suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
        values = json.loads(read_small(path))
        for one in values.values():
            if one is not None:
                _checked(Measured(*one))
        return dict(values)
    return {}


def _read(directory: Path) -> list[Any] | None:
    """The fields of `Measured`; None for builds of versions that did not record them."""
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        run = json.loads(read_small(directory / RUN_NAME))
        manifest = json.loads(read_small(directory / MANIFEST_NAME))
        # The estimate adds the table of documents itself, if this run wants one.
        volatile = [one for one in manifest["volatile"] if not one["path"].startswith("documents.")]
        files = [*manifest["files"], *volatile]
        one = Measured(
            unit=manifest["unit"],
            host=run["host"],
            input_bytes=run["input_bytes"],
            output_bytes=sum(file["size_bytes"] for file in files),
            cpu_seconds=run["cpu_seconds"],
            memory_bytes=run["peak_memory_bytes"],
        )
        return list(_checked(one))
    return None


def _checked(one: Measured) -> Measured:
    """The same, if all fields have their types.

    Raises:
        TypeError: they do not; the file was edited.
    """
    if not (isinstance(one.unit, str) and isinstance(one.host, str)):
        raise TypeError("not a build")
    for number in one[2:]:
        if not isinstance(number, int | float) or number < 0 or number != number:
            raise TypeError("not a build")
    return one
