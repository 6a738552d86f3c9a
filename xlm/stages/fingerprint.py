"""Fingerprints of the code of stages, to detect changes without a new `Stage.version`.

    python -m xlm.stages.fingerprint            # record all; refuses changes without a new version
    python -m xlm.stages.fingerprint --waiver "renamed a variable: same bytes"

A fingerprint is a hash of the syntax trees of all modules that a stage reaches: by imports, or by
the name of a module that it starts as a process. It ignores comments, docstrings, formatting,
imports and file names, so moving a module changes nothing.
"""

import argparse
import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeGuard

from xlm.engine.stage import Stage
from xlm.stages.registry import STAGES
from xlm.store.disk.filesystem import write_atomically
from xlm.store.disk.hashing import cached_file_sha256

RECORD = Path(__file__).with_name("fingerprints.json")

_IGNORED = (
    "xlm.engine.stage",
    "xlm.store",
    "xlm.config",
    "xlm.errors",
    "xlm.display.progress",
    "xlm.processes",
    "xlm.cluster",
    "xlm.stages.model.launcher",
    "xlm.training.launch.cluster",
    "xlm.training.launch.environment",
    "xlm.training.launch.launcher",
    "xlm.training.launch.local",
    "xlm.training.launch.ranks",
)
"""Modules that cannot change bytes; the values of the configuration are part of the key."""
_INCLUDED = ("xlm.config.languages.pairs", "xlm.config.data.downloads")
"""Modules of ignored packages that can change bytes."""
_DATA_SUFFIXES = (".json", ".tsv", ".txt", ".toml", ".md", ".cc", ".hh")

Fingerprints = dict[str, dict[str, Any]]


def fingerprint(stage: Stage[Any, Any]) -> str:
    """Hash the module of a stage, all modules that it reaches, and their data files."""
    own = stage.run.__module__
    modules = _reachable(own)
    trees = [_tree_digest(_source(name)) for name in modules]
    folders = {_source(name).parent for name in modules if name != own}
    data = [cached_file_sha256(path) for folder in folders for path in _data_files(folder)]
    return hashlib.sha256("\n".join(sorted(trees + data)).encode()).hexdigest()[:16]


def recorded() -> Fingerprints:
    """Read the recorded version and fingerprint of each stage."""
    found: Fingerprints = json.loads(RECORD.read_bytes()) if RECORD.exists() else {}
    return found


def unrecorded_changes() -> dict[str, str]:
    """Stages that differ from their record, each with what to do."""
    before = recorded()
    problems = {}
    for stage in STAGES:
        old = before.get(stage.name)
        if old is None:
            problems[stage.name] = "not recorded"
        elif old["fingerprint"] != fingerprint(stage):
            same = old["version"] == stage.version
            problems[stage.name] = (
                f"the code changed in version {stage.version}: bump it, or record a waiver"
                if same
                else "version bumped: record it"
            )
        elif old["version"] != stage.version:
            problems[stage.name] = "version bumped: record it"
    return problems


def record(waiver: str) -> list[str]:
    """Record all stages, or return the names of those that first need a new version or a waiver."""
    before = recorded()
    after: Fingerprints = {}
    refused = []
    for stage in STAGES:
        entry: dict[str, Any] = {"version": stage.version, "fingerprint": fingerprint(stage)}
        old = before.get(stage.name)
        if old and old["version"] == stage.version and old["fingerprint"] != entry["fingerprint"]:
            if not waiver:
                refused.append(stage.name)
            entry["waiver"] = waiver
        elif old and "waiver" in old and old["version"] == stage.version:
            entry["waiver"] = old["waiver"]
        after[stage.name] = entry
    if not refused:
        write_atomically(RECORD, (json.dumps(after, indent=1) + "\n").encode())
    return refused


def _reachable(start: str) -> list[str]:
    found: dict[str, None] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in found or (name != start and _is_ignored(name)):
            continue
        found[name] = None
        waiting += _imports(_source(name))
    return list(found)


def _is_ignored(name: str) -> bool:
    return name.startswith(_IGNORED) and name not in _INCLUDED


@cache
def _imports(path: Path) -> tuple[str, ...]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Constant) and _names_module(node.value):
            names.append(node.value)
    return tuple(name for name in names if name.startswith("xlm.") and _is_module(name))


def _names_module(value: object) -> TypeGuard[str]:
    """Whether a string could be the name of a module for `python -m`."""
    return isinstance(value, str) and all(part.isidentifier() for part in value.split("."))


@cache
def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@cache
def _source(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


@cache
def _tree_digest(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _has_no_effect(one)]  # type: ignore[attr-defined]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _has_no_effect(node: ast.AST) -> bool:
    """Whether a statement is an import, a docstring or another string without effect."""
    return isinstance(node, ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _data_files(folder: Path) -> Iterator[Path]:
    """Data files in a folder and in its subfolders that are not packages (templates, C++)."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not (path / "__init__.py").exists():
            yield from _data_files(path)
        elif path.suffix in _DATA_SUFFIXES and path != RECORD:
            yield path


def main() -> None:
    """Record the fingerprints, or name the stages that need a new version."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiver", default="", help="why the changed code writes the same bytes")
    refused = record(parser.parse_args().waiver)
    if refused:
        sys.exit(f"bump the version (or give --waiver) of: {', '.join(refused)}")


if __name__ == "__main__":
    main()
