"""`xlm cancel`: ends the job of a cluster."""

from xlm.cli.output import printable, show
from xlm.config.environment import MachineSettings
from xlm.report.activity.jobs import cancel_job
from xlm.store.store import ArtifactStore


def print_cancelled(name: str, root: str | None) -> None:
    """Cancel the job that builds a stage.

    Raises:
        StoreError: there is none.
        ClusterError: it could not be ended.
    """
    store = ArtifactStore.open(MachineSettings.from_environment(root).root)
    show(printable(f"job {cancel_job(store, name)} cancelled; the next run continues it"))
