"""A published artifact, and the staging directories of an artifact that is being built."""

from dataclasses import dataclass
from pathlib import Path

from xlm.store.manifest import LOGS_NAME, Manifest


@dataclass(frozen=True)
class Artifact:
    """A published artifact and its manifest."""

    directory: Path
    manifest: Manifest


@dataclass(frozen=True)
class Staging:
    """The directories of a build."""

    base: Path

    @property
    def out(self) -> Path:
        """The files to publish; this directory becomes the artifact."""
        return self.base / "out"

    @property
    def scratch(self) -> Path:
        """Checkpoints, completion records and temporary files; kept until publication."""
        return self.base / "scratch"

    @property
    def records(self) -> Path:
        """Completion records of file jobs (`file_jobs.py`)."""
        return self.scratch / "records"

    @property
    def hold(self) -> Path:
        """Exists while a job that outlives its run may write here: nothing is removed or moved."""
        return self.base / "held-by-job"

    @property
    def logs(self) -> Path:
        """Log files, which are published but not part of the digest."""
        return self.out / LOGS_NAME
