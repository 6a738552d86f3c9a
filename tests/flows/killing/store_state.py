"""What is finished in a store, in a form that shows whether it was ever done again.

A rebuilt artifact has a new manifest, and a rewritten file another inode or time of change.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

Identity = tuple[int, int]
"""Inode and time of the last change of a file, ns."""


@dataclass(frozen=True)
class StoreState:
    """The finished artifacts and file jobs of a store, and the artifacts under way."""

    artifacts: dict[str, Identity]
    """`<stage>/<key>` to the identity of its manifest."""
    files: dict[str, Identity]
    """`<stage>/<key>/<path>` of the targets of finished jobs in unfinished artifacts."""
    under_way: frozenset[str]
    """The stages of unfinished artifacts."""

    def redone(self, final: "StoreState", root: Path) -> list[str]:
        """What was finished here and is another file in a later state of the same store."""
        again = [
            name for name, identity in self.artifacts.items() if final.artifacts[name] != identity
        ]
        return again + [
            name
            for name, identity in self.files.items()
            if _identity(root / "artifacts" / name) != identity
        ]

    def lost(self, final: "StoreState") -> list[str]:
        """Artifacts that were finished here and that a later state does not have."""
        return sorted(self.artifacts.keys() - final.artifacts.keys())


def finished_by_stage(root: Path, stage: str = "*") -> Counter[str]:
    """The number of finished artifacts of each stage, or of one."""
    return Counter(path.parent.parent.name for path in _manifests(root, stage))


def is_under_way(root: Path, stage: str) -> bool:
    """Whether an artifact of the stage is being built, or was when its run was killed."""
    return any((root / "staging" / stage).glob("*/out"))


def store_state(root: Path) -> StoreState:
    """Read the state of a store in which nothing runs."""
    artifacts = {
        f"{path.parent.parent.name}/{path.parent.name}": _identity(path)
        for path in _manifests(root)
    }
    # A build without this folder is published: what is left of it was about to be removed.
    builds = [path.parent for path in sorted((root / "staging").glob("*/*/out"))]
    files: dict[str, Identity] = {}
    for build in builds:
        for record in sorted((build / "scratch" / "records").rglob("*.json")):
            for target in json.loads(record.read_bytes())["files"]:
                path = Path(target["path"])
                if path.is_relative_to(build / "out"):
                    name = f"{build.parent.name}/{build.name}/{path.relative_to(build / 'out')}"
                    files[name] = _identity(path)
    return StoreState(artifacts, files, frozenset(build.parent.name for build in builds))


def _manifests(root: Path, stage: str = "*") -> list[Path]:
    return sorted((root / "artifacts").glob(f"{stage}/*/manifest.json"))


def _identity(path: Path) -> Identity:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns
